/** What is around every screen: the rail, the keys that work everywhere, and dropping files anywhere. */

import { Menu } from "lucide-react";
import { lazy, type ReactNode, Suspense, useEffect, useState } from "react";
import { useLocation } from "wouter";
import { words } from "../lib/format";
import { useKeys } from "../lib/keys";
import { DropZone } from "../uploads/drop";
import { Help } from "./help";
import { Rail } from "./rail";

const Tray = lazy(() => import("../uploads/tray"));

export function Shell({ children }: { children: ReactNode }) {
  const [location, go] = useLocation();
  useEffect(() => {
    document.title = `${words(location.split("/")[1] || "library")} · Mediatheque`;
  }, [location]);
  const [isOpen, setOpen] = useState(false);
  const [isHelping, setHelping] = useState(false);
  useKeys("Everywhere", [
    { key: "/", does: "Search", act: () => focusSearch(() => go("/library")) },
    { key: "g", does: "Go to the library", act: () => go("/library") },
    { key: "a", does: "Go to the artifacts", act: () => go("/artifacts") },
    { key: "u", does: "Go to the uploads", act: () => go("/uploads") },
    { key: "?", does: "Show the keys that work here", act: () => setHelping(true) },
  ]);
  return (
    <div className="shell">
      <a className="skip" href="#canvas">
        Skip to the content
      </a>
      <header className="topbar">
        <button
          type="button"
          className="icon"
          aria-label="Menu"
          aria-expanded={isOpen}
          onClick={() => setOpen(!isOpen)}
        >
          <Menu size={20} />
        </button>
        <strong>Mediatheque</strong>
      </header>
      <Rail isOpen={isOpen} onGo={() => setOpen(false)} onHelp={() => setHelping(true)} />
      <main id="canvas" className="canvas" tabIndex={-1}>
        {children}
      </main>
      <DropZone />
      <Suspense fallback={null}>
        <Tray />
      </Suspense>
      {isHelping ? <Help onClose={() => setHelping(false)} /> : null}
    </div>
  );
}

function focusSearch(otherwise: () => void): void {
  const box = document.querySelector<HTMLInputElement>("input[type=search]");
  if (box) box.focus();
  else otherwise();
}
