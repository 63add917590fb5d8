// Reads the details of an error (google.rpc.ErrorInfo, RetryInfo, BadRequest) from their bytes.
//
// They are three small messages that never change, so they are read by hand. It must not know what they mean.

import { BinaryReader } from "@bufbuild/protobuf/wire";

export interface ErrorInfo {
  reason: string;
  domain: string;
  metadata: Record<string, string>;
}

/** A field of the request with a value that is not allowed. */
export interface FieldViolation {
  /** The path of the field, in proto names. */
  field: string;
  description: string;
}

type Fields = Record<number, (reader: BinaryReader) => void>;

function read(bytes: Uint8Array, fields: Fields): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    const take = fields[number];
    if (take) {
      take(reader);
    } else {
      reader.skip(wireType, number);
    }
  }
}

export function readErrorInfo(bytes: Uint8Array): ErrorInfo {
  const info: ErrorInfo = { reason: "", domain: "", metadata: {} };
  read(bytes, {
    1: (r) => {
      info.reason = r.string();
    },
    2: (r) => {
      info.domain = r.string();
    },
    3: (r) => {
      let key = "";
      let value = "";
      read(r.bytes(), {
        1: (entry) => {
          key = entry.string();
        },
        2: (entry) => {
          value = entry.string();
        },
      });
      info.metadata[key] = value;
    },
  });
  return info;
}

/** RetryInfo's delay in milliseconds. */
export function readRetryDelay(bytes: Uint8Array): number {
  let ms = 0;
  read(bytes, {
    1: (r) =>
      read(r.bytes(), {
        1: (d) => {
          ms += Number(d.int64()) * 1000;
        },
        2: (d) => {
          ms += d.int32() / 1e6;
        },
      }),
  });
  return ms;
}

export function readFieldViolations(bytes: Uint8Array): FieldViolation[] {
  const violations: FieldViolation[] = [];
  read(bytes, {
    1: (r) => {
      const violation: FieldViolation = { field: "", description: "" };
      read(r.bytes(), {
        1: (v) => {
          violation.field = v.string();
        },
        2: (v) => {
          violation.description = v.string();
        },
      });
      violations.push(violation);
    },
  });
  return violations;
}
