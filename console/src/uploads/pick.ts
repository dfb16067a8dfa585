/** Files on their way in. The uploader itself is loaded with the first of them. */

import { wakeUploader } from "./state";

export async function upload(files: Iterable<File>): Promise<void> {
  wakeUploader();
  const { take } = await import("./uploader");
  await take([...files]);
}

/** Have a person choose files, or a whole folder. */
export function pickFiles(isFolder = false): void {
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  input.webkitdirectory = isFolder;
  input.onchange = () => void upload(input.files ?? []);
  input.click();
}

/** What was dropped, with everything below the folders among it. */
export async function filesIn(dropped: DataTransfer): Promise<File[]> {
  const entries = [...dropped.items].map((it) => it.webkitGetAsEntry()).filter((it) => it !== null);
  const plain = [...dropped.files];
  if (!entries.some((it) => it.isDirectory)) return plain;
  return (await Promise.all(entries.map(below))).flat();
}

async function below(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) return [await new Promise<File>((done, fail) => (entry as FileSystemFileEntry).file(done, fail))];
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: File[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((done, fail) => reader.readEntries(done, fail));
    if (!some.length) return found;
    for (const it of some) found.push(...(await below(it)));
  }
}
