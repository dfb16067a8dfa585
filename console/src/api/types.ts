/** The server's shapes by the names that this console calls them. */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type UserFile = Schemas["UserFile"];
export type FoundFile = Schemas["FoundFile"];
export type FileDetail = Schemas["FileDetail"];
export type Match = Schemas["Match"];
export type Finding = Schemas["FindingObject"];
export type Folder = Schemas["FolderObject"];
export type Account = Schemas["Account"];
export type ApiKey = Schemas["KeyItem"];
export type Job = Schemas["JobItem"];
export type Member = Schemas["MemberObject"];
export type Room = Schemas["RoomObject"];
export type Artifact = Schemas["ArtifactItem"];
export type ArtifactWhole = Schemas["ArtifactObject"];
export type Version = Schemas["VersionItem"];
export type Difference = Schemas["DiffObject"];

/** What a link's file has beside the common keys. */
export interface LinkFacts {
  domain?: string | null;
  og_metadata?: Record<string, string> | null;
  favicon_url?: string | null;
  crawl_status?: string | null;
  crawl_error?: string | null;
  crawled_at?: string | null;
  page_title?: string | null;
  extracted_images?: { url: string; alt: string | null; stored_url: string | null }[];
}
