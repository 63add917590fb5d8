// The four services as a page calls them. It must not know what the answers are used for.
//
// Unary calls go straight from the page. Streams belong to the hub: a browser has six connections to a host over
// all tabs. Whoever calls SendMessage or RegenerateMessage leaves the stream after its first message (the answer
// is generated all the same) and reads on with the hub's `message`.

import { type Client, createClient } from "@connectrpc/connect";
import { ChatService } from "./gen/mosaic/chat/v1/chat_pb.ts";
import { OrchestratorService } from "./gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { TerminalService } from "./gen/mosaic/terminal/v1/terminal_pb.ts";
import { WorkspaceService } from "./gen/mosaic/workspace/v1/workspace_pb.ts";
import { makeTransport, type TransportOptions } from "./transport.ts";

export interface Clients {
  chat: Client<typeof ChatService>;
  terminals: Client<typeof TerminalService>;
  agents: Client<typeof OrchestratorService>;
  workspace: Client<typeof WorkspaceService>;
}

/** The services for a token; `signal` ends every call. */
export function makeClients(
  token: string | undefined,
  signal?: AbortSignal,
  outcome?: TransportOptions["outcome"],
): Clients {
  return clientsOver({ token, signal, outcome });
}

export function clientsOver(options: TransportOptions): Clients {
  const transport = makeTransport(options);
  return {
    chat: createClient(ChatService, transport),
    terminals: createClient(TerminalService, transport),
    agents: createClient(OrchestratorService, transport),
    workspace: createClient(WorkspaceService, transport),
  };
}
