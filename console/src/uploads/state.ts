/** The uploads as React sees them; nothing of the uploader is loaded before there is something to upload. */

import { useEffect, useState } from "react";
import type { Held, Upload } from "./uploader";

export interface Uploads {
  files: Upload[];
  held: Held[];
}

const UPPY = "uppy";
const NONE: Uploads = { files: [], held: [] };
let asked: (() => void)[] = [];
let isAwake = false;

/** Load the uploader, so that what an earlier page left unfinished goes on; whoever looks later sees it, too. */
export function wakeUploader(): void {
  isAwake = true;
  for (const wake of asked) wake();
}

export function useUploads(): Uploads {
  const [shown, show] = useState(NONE);
  useEffect(() => {
    let stop = () => {};
    let isGone = false;
    const wake = () =>
      void import("./uploader").then(({ uploader, heldFiles, listenToHeld }) => {
        if (isGone) return;
        const put = () => show({ files: uploader.getFiles() as Upload[], held: heldFiles() });
        const stopHeld = listenToHeld(put);
        uploader.on("state-update", put);
        put();
        stop = () => {
          stopHeld();
          uploader.off("state-update", put);
        };
      });
    asked = [...asked, wake];
    if (isAwake || leftUnfinished()) wake();
    return () => {
      isGone = true;
      asked = asked.filter((it) => it !== wake);
      stop();
    };
  }, []);
  return shown;
}

/** Whether the uploader has put something aside in this browser. */
function leftUnfinished(): boolean {
  return Object.keys(localStorage).some((key) => key.startsWith(UPPY) || key.startsWith("tus::"));
}
