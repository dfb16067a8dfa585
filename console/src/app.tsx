/** The screens by their addresses; everything but the library is loaded when it is first wanted. */

import { QueryClientProvider } from "@tanstack/react-query";
import { lazy, Suspense, useEffect } from "react";
import { Redirect, Route, Router, Switch } from "wouter";
import { queries } from "./api/queries";
import { useCredential } from "./api/session";
import { Library } from "./library/library";
import { Login } from "./shell/login";
import { Shell } from "./shell/shell";
import { Empty, Skeleton } from "./ui/states";
import { Toasts } from "./ui/toasts";

const Artifacts = lazy(() => import("./artifacts/artifacts"));
const Artifact = lazy(() => import("./artifacts/artifact"));
const Links = lazy(() => import("./links/links"));
const Apis = lazy(() => import("./apis/apis"));
const Operations = lazy(() => import("./operations/operations"));
const Tags = lazy(() => import("./library/tags"));
const Uploads = lazy(() => import("./uploads/screen"));

const KINDS = { images: "image", documents: "document", videos: "video", recordings: "audio" } as const;

export function App() {
  const credential = useCredential();
  const isIn = credential !== null;
  useEffect(() => {
    if (!isIn) queries.clear();
  }, [isIn]);
  return (
    <QueryClientProvider client={queries}>
      <Router base="/console">{isIn ? <Screens /> : <Login />}</Router>
      <Toasts />
    </QueryClientProvider>
  );
}

function Screens() {
  return (
    <Shell>
      <Suspense fallback={<Skeleton />}>
        <Switch>
          <Route path="/library">
            <Library title="Library" fixed={{}} key="library" />
          </Route>
          {Object.entries(KINDS).map(([path, kind]) => (
            <Route key={path} path={`/${path}`}>
              <Library title={path.charAt(0).toUpperCase() + path.slice(1)} fixed={{ kind }} key={path} />
            </Route>
          ))}
          <Route path="/folders/:id">{({ id }) => <Library title="Folder" fixed={{ folder: id }} key={id} />}</Route>
          <Route path="/trash">
            <Library title="Trash" fixed={{ trash: true }} key="trash" />
          </Route>
          <Route path="/tags" component={Tags} />
          <Route path="/links" component={Links} />
          <Route path="/uploads" component={Uploads} />
          <Route path="/artifacts" component={Artifacts} />
          <Route path="/artifacts/:room/:id" component={Artifact} />
          <Route path="/apis" component={Apis} />
          <Route path="/operations/:part?" component={Operations} />
          <Route path="/">
            <Redirect to="/library" replace />
          </Route>
          <Route>
            <h1 className="hidden">No such screen</h1>
            <Empty title="There is no such screen">It may have moved; the rail on the left leads everywhere.</Empty>
          </Route>
        </Switch>
      </Suspense>
    </Shell>
  );
}
