/** Files can be dropped anywhere, and pictures pasted anywhere; a pasted address becomes a link. */

import { Upload } from "lucide-react";
import { useEffect, useState } from "react";
import { api, told } from "../api/client";
import { queries } from "../api/queries";
import { toast, trouble } from "../ui/toasts";
import { filesIn, upload } from "./pick";

export function DropZone() {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const holdsFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const over = (event: DragEvent) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent) => event.relatedTarget === null && setOver(false);
    const drop = (event: DragEvent) => {
      if (!event.dataTransfer || !holdsFiles(event)) return;
      event.preventDefault();
      setOver(false);
      filesIn(event.dataTransfer).then(upload).catch(trouble);
    };
    const paste = (event: ClipboardEvent) => {
      if ((event.target as Element).closest("input, textarea, [contenteditable=true]")) return;
      const files = [...(event.clipboardData?.files ?? [])];
      const text = event.clipboardData?.getData("text/plain").trim() ?? "";
      if (files.length) upload(files).catch(trouble);
      else if (/^https?:\/\/\S+$/.test(text)) void saveLink(text).catch(trouble);
    };
    document.addEventListener("dragover", over);
    document.addEventListener("dragleave", leave);
    document.addEventListener("drop", drop);
    document.addEventListener("paste", paste);
    return () => {
      document.removeEventListener("dragover", over);
      document.removeEventListener("dragleave", leave);
      document.removeEventListener("drop", drop);
      document.removeEventListener("paste", paste);
    };
  }, []);
  return isOver ? (
    <div className="dropping" aria-hidden>
      <Upload size={42} />
      <p>Drop to upload</p>
    </div>
  ) : null;
}

export async function saveLink(url: string): Promise<void> {
  const saved = await told(api.POST("/api/v2/user-files/links", { body: { url, auto_crawl: true } }));
  await queries.invalidateQueries({ queryKey: ["files"] });
  toast(saved.is_duplicate ? "That link is in the library already" : `Saved ${saved.domain}; the page is being read`);
}
