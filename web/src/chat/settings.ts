// How a conversation's answers are made, as a form's texts and as the server's numbers.
// It must not know how the form looks.

import { create } from "@bufbuild/protobuf";
import { type Conversation, type Parameters, ParametersSchema } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { byteLength } from "./offsets.ts";
import type { Settings } from "./state.ts";

/** What stands in the fields; empty is "the model's choice". */
export interface SettingsForm {
  readonly model: string;
  readonly system: string;
  readonly temperature: string;
  readonly maxTokens: string;
  readonly thinking: boolean;
  readonly thinkingTokens: string;
}

export type SettingsErrors = Partial<Record<keyof SettingsForm, string>>;

const SYSTEM_BYTES_MAX = 256 * 1024;
const THINKING_MIN = 1024;
const THINKING_USUAL = 4096;
const TOKENS_MAX = 2 ** 32 - 1;

export function settingsOf(conversation: Conversation): Settings {
  const { model, system, parameters } = conversation;
  return { model, system, parameters };
}

export function formOf({ model, system, parameters }: Settings): SettingsForm {
  const text = (value: number | undefined) => (value === undefined ? "" : String(value));
  return {
    model,
    system,
    temperature: text(parameters?.temperature),
    maxTokens: text(parameters?.maxOutputTokens),
    thinking: parameters?.thinkingTokens !== undefined,
    thinkingTokens: text(parameters?.thinkingTokens ?? THINKING_USUAL),
  };
}

/** The settings of a form; what the form does not show stays as it was. */
export function parseForm(
  form: SettingsForm,
  before: Parameters | undefined,
): { settings?: Settings; errors: SettingsErrors } {
  const errors: SettingsErrors = {};
  const temperature = number(form.temperature);
  if (temperature !== undefined && !(temperature >= 0 && temperature <= 2)) {
    errors.temperature = "A number from 0 to 2, or nothing.";
  }
  const maxOutputTokens = number(form.maxTokens);
  if (maxOutputTokens !== undefined && !isCount(maxOutputTokens, 1)) {
    errors.maxTokens = "A whole number from 1 on, or nothing.";
  }
  const thinkingTokens = form.thinking ? (number(form.thinkingTokens) ?? THINKING_USUAL) : undefined;
  if (thinkingTokens !== undefined && !isCount(thinkingTokens, THINKING_MIN)) {
    errors.thinkingTokens = `A whole number from ${THINKING_MIN} on.`;
  }
  if (byteLength(form.system) > SYSTEM_BYTES_MAX) {
    errors.system = "At most 256 KiB.";
  }
  if (Object.keys(errors).length > 0) {
    return { errors };
  }
  const { topP, stop } = before ?? { topP: undefined, stop: [] };
  const parameters = create(ParametersSchema, { temperature, maxOutputTokens, thinkingTokens, topP, stop });
  return { settings: { model: form.model, system: form.system, parameters }, errors };
}

function number(text: string): number | undefined {
  return text.trim() === "" ? undefined : Number(text.trim().replace(",", "."));
}

function isCount(value: number, least: number): boolean {
  return Number.isInteger(value) && value >= least && value <= TOKENS_MAX;
}
