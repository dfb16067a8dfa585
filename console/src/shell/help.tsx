/** The keys that work on this screen. */

import { useLayers } from "../lib/keys";
import { Dialog } from "../ui/dialog";

const SHOWN: Record<string, string> = { " ": "Space", "mod+a": "Ctrl A", ArrowLeft: "←", ArrowRight: "→" };

export function Help({ onClose }: { onClose: () => void }) {
  const layers = useLayers();
  return (
    <Dialog title="Keys that work here" onClose={onClose}>
      <div className="content">
        {layers.map((layer) => (
          <section key={layer.name}>
            <h3>{layer.name}</h3>
            <dl className="keys">
              {layer.shortcuts.map((it) => (
                <div key={it.key}>
                  <dt>
                    <kbd>{SHOWN[it.key] ?? it.key}</kbd>
                  </dt>
                  <dd>{it.does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
