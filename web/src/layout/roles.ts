// The roles in words. It must not know who has them.

import { Role } from "../api/gen/mosaic/workspace/v1/workspace_pb.ts";

const NAMES: Readonly<Record<Role, string>> = {
  [Role.UNSPECIFIED]: "",
  [Role.VIEWER]: "Viewer",
  [Role.MEMBER]: "Member",
  [Role.ADMIN]: "Admin",
  [Role.OPERATOR]: "Operator",
};

export function roleName(role: Role): string {
  return NAMES[role] ?? "";
}
