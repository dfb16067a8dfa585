/** Who may come in with a password, and what they may do. */

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, told } from "../api/client";
import { queries, useMe } from "../api/queries";
import { count, moment } from "../lib/format";
import { Ask } from "../ui/ask";
import { Failure, Skeleton } from "../ui/states";
import { toast, trouble } from "../ui/toasts";
import { Wide } from "../ui/wide";
import { Form } from "./form";

type Role = "superAdmin" | "admin" | "user";

const fresh = () => queries.invalidateQueries({ queryKey: ["users"] });
const path = (id: string) => ({ params: { path: { user_id: id } } });

export function Users() {
  const { data: me } = useMe();
  const [isAdding, setAdding] = useState(false);
  const [reset, setReset] = useState<{ id: string; username: string } | null>(null);
  const found = useQuery({ queryKey: ["users"], queryFn: async () => (await told(api.GET("/api/v1/users"))).data });
  if (found.isPending) return <Skeleton rows={3} />;
  if (found.isError) return <Failure error={found.error} onRetry={() => void found.refetch()} />;
  const change = (id: string, body: { role?: Role; isActive?: boolean }) =>
    told(api.PATCH("/api/v1/users/{user_id}", { ...path(id), body }))
      .then(fresh)
      .catch(trouble);
  return (
    <>
      <Wide label="Table of users">
        <table className="plain">
          <thead>
            <tr>
              <th>Name</th>
              <th>Role</th>
              <th>May</th>
              <th>Since</th>
              <th>
                <span className="hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {found.data.map((it) => (
              <tr key={it.id}>
                <td>
                  {it.username} {it.isActive ? null : <span className="tag bad">disabled</span>}
                </td>
                <td>
                  {it.role === "superAdmin" ? (
                    "Operator"
                  ) : (
                    <select
                      aria-label={`Role of ${it.username}`}
                      value={it.role}
                      onChange={(event) => change(it.id, { role: event.target.value as Role })}
                    >
                      <option value="admin">Administrator</option>
                      <option value="user">User</option>
                    </select>
                  )}
                </td>
                <td className="quiet" title={it.permissions.join(", ")}>
                  {count(it.permissions.length, "permission")}
                </td>
                <td className="quiet">{moment(it.createdAtUtc)}</td>
                <td>
                  <span className="row">
                    <button type="button" className="button small" onClick={() => setReset(it)}>
                      New password
                    </button>
                    <button
                      type="button"
                      className="button small"
                      disabled={it.id === me?.id}
                      title={it.id === me?.id ? "That is you" : undefined}
                      onClick={() => change(it.id, { isActive: !it.isActive })}
                    >
                      {it.isActive ? "Disable" : "Enable"}
                    </button>
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      {isAdding ? (
        <Form
          does="Add the user"
          onCancel={() => setAdding(false)}
          onSend={async (said) => {
            const body = {
              username: said.username ?? "",
              password: said.password ?? "",
              role: said.role as Role,
              isActive: true,
            };
            await told(api.POST("/api/v1/users", { body }));
            await fresh();
            setAdding(false);
          }}
        >
          <div className="two">
            <label>
              Name
              <input name="username" required autoComplete="off" />
            </label>
            <label>
              Password
              <input name="password" type="password" required autoComplete="new-password" />
            </label>
            <label>
              Role
              <select name="role" defaultValue="user">
                <option value="user">User</option>
                <option value="admin">Administrator</option>
              </select>
            </label>
          </div>
        </Form>
      ) : (
        <div>
          <button type="button" className="button primary" onClick={() => setAdding(true)}>
            Add a user
          </button>
        </div>
      )}
      {reset ? (
        <Ask
          title={`New password for ${reset.username}`}
          label="Password"
          type="password"
          does="Set"
          onClose={() => setReset(null)}
          onAnswer={(newPassword) =>
            told(api.POST("/api/v1/users/{user_id}/reset-password", { ...path(reset.id), body: { newPassword } })).then(
              () => toast("Set; their sessions have ended"),
            )
          }
        />
      ) : null}
    </>
  );
}
