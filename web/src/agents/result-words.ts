// What a command came to, in a sentence for who hears the page, and a refusal in one for people. It must not know cards.

import type { CommandError, CommandResult, CommandResult_Killed } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import type { Agent, Job, Queue } from "../api/gen/mosaic/orchestrator/v1/orchestrator_pb.ts";
import { agentWords, capital, countWords, jobVerb } from "./words.ts";

/** So many are said by their names. */
const SAID_MAX = 5;

export function resultWords({ command, text, result }: CommandResult): string {
  const { case: kind, value } = result;
  switch (kind) {
    case "spawned":
      return value.job ? jobSays(value.job) : text;
    case "jobs":
      return listWords("job", value.jobs.map(jobSays), value.more);
    case "agents":
      return listWords("agent", value.agents.map(agentSays), value.more);
    case "status":
      return value.job
        ? jobSays(value.job)
        : [value.queue && queueWords(value.queue), ...value.running.slice(0, SAID_MAX).map(agentSays)]
            .filter(Boolean)
            .join(" ");
    case "killed":
      return `${killedWords(value)}.`;
    case "sent":
      return `It was typed into ${value.name}.`;
    case "queue":
      return queueWords(value);
    case "help":
      return listWords(
        "command",
        value.commands.map(({ summary }) => summary),
        false,
      );
    case "error":
      return errorWords(command, value);
    default:
      return text;
  }
}

/** How many it ended, or what became of the one. */
export function killedWords({ agents, job, cancelledJobs }: CommandResult_Killed): string {
  return job
    ? `${job.name} ${jobVerb(job.state)}`
    : `${countWords(agents.length, "agent")} ended, ${countWords(cancelledJobs, "waiting job")} cancelled`;
}

/** The server names the field of a request; a person typed a line. */
export function errorWords(command: string, { reason, message }: CommandError): string {
  if (command === "spawn" && reason === "BAD_REQUEST" && message.startsWith("prompt: is empty")) {
    return "Say what the agent is to do: /spawn PROFILE PROMPT.";
  }
  const field = reason === "BAD_REQUEST" && message.match(/^([a-z_]+): (?=(is|has|holds|leaves|needs) )/);
  return field ? `The ${field[1]?.replaceAll("_", " ")} ${message.slice(field[0].length)}` : capital(message);
}

function jobSays({ name, state }: Job): string {
  return `${name} ${jobVerb(state)}.`;
}

function agentSays({ name, state, exit }: Agent): string {
  return `${name}: ${agentWords(state, exit).word.toLowerCase()}.`;
}

function queueWords(queue: Queue): string {
  const waiting = queue.ready + queue.blocked + queue.backingOff;
  const paused = queue.paused ? " The queue is paused." : "";
  return `${countWords(queue.running, "agent")} running, ${countWords(waiting, "job")} waiting.${paused}`;
}

function listWords(thing: string, each: readonly string[], more: boolean): string {
  const count = more ? `More than ${each.length} ${thing}s` : countWords(each.length, thing);
  return [`${count}.`, ...each.slice(0, SAID_MAX)].join(" ");
}
