/** A room's settings: its name and state, who is in it, and how much power reading and writing take. */

import { useQuery } from "@tanstack/react-query";
import { UserPlus, X } from "lucide-react";
import { type FormEvent, useState } from "react";
import { api, told } from "../api/client";
import { queries, useMe } from "../api/queries";
import type { Member, Room } from "../api/types";
import { Form } from "../operations/form";
import { Dialog } from "../ui/dialog";
import { Failure, Skeleton } from "../ui/states";
import { toast, trouble } from "../ui/toasts";

const STATES = { open: "Open", archived: "Archived: to be read only", closed: "Closed, for ever" };
const FULL = 100;

export function RoomSettings({ room, onClose }: { room: Room; onClose: () => void }) {
  const { data: me } = useMe();
  const path = { room_id: room.id };
  const found = useQuery({
    queryKey: ["members", room.id],
    queryFn: async () =>
      (await told(api.GET("/v1/rooms/{room_id}/members", { params: { path, query: { limit: 200 } } }))).data,
  });
  const power = found.data?.find((it) => it.user_id === me?.id)?.power_level ?? 0;
  const staffs = power >= FULL || me?.role === "admin" || me?.role === "superAdmin";
  return (
    <Dialog title={room.name} onClose={onClose} className="wide">
      <div className="content">
        {power >= FULL ? (
          <Terms room={room} onDone={onClose} />
        ) : (
          <p className="note">
            Reading here takes power {room.artifact_read_power}, writing {room.artifact_write_power}; you have {power}.
            Name, state and these levels are changed by members with power {FULL}.
          </p>
        )}
        <h3>Members</h3>
        {found.isPending ? (
          <Skeleton rows={2} height={40} />
        ) : found.isError ? (
          <Failure error={found.error} onRetry={() => void found.refetch()} />
        ) : (
          <Members path={path} members={found.data} staffs={staffs} own={me?.id} />
        )}
      </div>
    </Dialog>
  );
}

function Terms({ room, onDone }: { room: Room; onDone: () => void }) {
  const save = async (said: Record<string, string>) => {
    const body = {
      name: said.name ?? room.name,
      state: said.state as keyof typeof STATES,
      artifact_read_power: Number(said.read),
      artifact_write_power: Number(said.write),
    };
    await told(api.PATCH("/v1/rooms/{room_id}", { params: { path: { room_id: room.id } }, body }));
    await queries.invalidateQueries({ queryKey: ["rooms"] });
    toast("Saved");
    onDone();
  };
  return (
    <Form does="Save the room" onSend={save}>
      <div className="two">
        <label>
          Name
          <input name="name" required maxLength={255} defaultValue={room.name} />
        </label>
        <label>
          State
          <select name="state" defaultValue={room.state}>
            {Object.entries(STATES).map(([state, label]) => (
              <option key={state} value={state}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <label>
          Power that reading takes
          <input name="read" type="number" min={0} max={FULL} required defaultValue={room.artifact_read_power} />
        </label>
        <label>
          Power that writing takes
          <input name="write" type="number" min={0} max={FULL} required defaultValue={room.artifact_write_power} />
        </label>
      </div>
    </Form>
  );
}

interface Props {
  path: { room_id: string };
  members: Member[];
  staffs: boolean;
  own: string | undefined;
}

function Members({ path, members, staffs, own }: Props) {
  const { data: me } = useMe();
  const [isTaken, setTaken] = useState(false);
  const users = useQuery({
    queryKey: ["users"],
    enabled: me?.permissions.includes("users.read") ?? false,
    queryFn: async () => (await told(api.GET("/api/v1/users"))).data,
  });
  const nameOf = (id: string) =>
    users.data?.find((it) => it.id === id)?.username ?? (id === own ? me?.username : undefined) ?? id;
  const fresh = () => queries.invalidateQueries({ queryKey: ["members", path.room_id] });
  const put = (user: string, level: number) =>
    told(
      api.PUT("/v1/rooms/{room_id}/members/{user_id}", {
        params: { path: { ...path, user_id: user } },
        body: { power_level: level },
      }),
    )
      .then(fresh)
      .catch(trouble);
  const remove = (user: string) =>
    told(api.DELETE("/v1/rooms/{room_id}/members/{user_id}", { params: { path: { ...path, user_id: user } } }))
      .then(fresh)
      .catch(trouble);
  const add = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const said = new FormData(form);
    setTaken(true);
    void put(String(said.get("user")), Number(said.get("power")))
      .then(() => form.reset())
      .finally(() => setTaken(false));
  };
  const others = users.data?.filter((it) => it.isActive && !members.some((one) => one.user_id === it.id));
  const why = staffs ? undefined : `Members are changed with power ${FULL}, or by administrators`;
  return (
    <>
      <ul className="members">
        {members.map((it) => (
          <li key={it.user_id}>
            <span className="name">
              {nameOf(it.user_id)} {it.user_id === own ? <span className="tag">you</span> : null}
            </span>
            <label className="inline">
              <span className="hidden">Power of {nameOf(it.user_id)}</span>
              <input
                key={it.power_level}
                type="number"
                min={0}
                max={FULL}
                defaultValue={it.power_level}
                disabled={!staffs}
                title={why}
                onBlur={(event) =>
                  Number(event.target.value) !== it.power_level && put(it.user_id, Number(event.target.value))
                }
              />
            </label>
            <button
              type="button"
              className="icon small"
              disabled={!staffs && it.user_id !== own}
              title={it.user_id === own ? "Leave the room" : why}
              aria-label={it.user_id === own ? "Leave the room" : `Take ${nameOf(it.user_id)} out`}
              onClick={() => remove(it.user_id)}
            >
              <X size={15} />
            </button>
          </li>
        ))}
      </ul>
      {why ? <p className="quiet">{why}.</p> : null}
      {staffs && !users.isLoading ? (
        <form className="row" onSubmit={add}>
          {others ? (
            <label className="grow">
              Somebody else
              <select name="user" required>
                {others.map((it) => (
                  <option key={it.id} value={it.id}>
                    {it.username}
                  </option>
                ))}
              </select>
            </label>
          ) : (
            <label className="grow">
              Somebody else
              <input name="user" required placeholder="their user id" spellCheck={false} />
            </label>
          )}
          <label>
            Power
            <input name="power" type="number" min={0} max={FULL} defaultValue={10} required />
          </label>
          <button type="submit" className="button" disabled={isTaken || others?.length === 0}>
            <UserPlus size={15} aria-hidden /> Add
          </button>
        </form>
      ) : null}
      {others?.length === 0 ? <p className="quiet">Everybody of the tenant is in the room.</p> : null}
    </>
  );
}
