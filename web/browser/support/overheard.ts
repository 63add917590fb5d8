// A wire between the server and its models that can be pulled, and that keeps what the models were asked. It must not
// know what they answer.

import {
  createServer,
  type Server as Http,
  type IncomingMessage,
  request,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** What a model was asked: the part of it that tests look at. */
export interface Question {
  model: string;
  temperature?: number;
  messages: { role: string; content: string | { type: string; text?: string }[] }[];
}

export class Overheard {
  /** The questions, oldest first. */
  readonly asked: Question[] = [];
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly to: URL,
    private http: Http,
    private readonly port: number,
  ) {}

  static async before(models: string): Promise<Overheard> {
    const http = createServer();
    await new Promise<void>((ready) => http.listen(0, "127.0.0.1", ready));
    const wire = new Overheard(new URL(models), http, (http.address() as AddressInfo).port);
    wire.serve(http);
    return wire;
  }

  /** Where the server finds the models. */
  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The first question with these words in its last message; later ones may ask for a title. */
  question(words: string): Question | undefined {
    return this.asked.find(({ messages }) => JSON.stringify(messages.at(-1)?.content).includes(words));
  }

  /** Nobody reaches the models any more. */
  async pull(): Promise<void> {
    if (!this.http.listening) return;
    const closed = new Promise((done) => this.http.close(done));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  async plugIn(): Promise<void> {
    if (this.http.listening) return;
    this.http = createServer();
    this.serve(this.http);
    await new Promise<void>((ready) => this.http.listen(this.port, "127.0.0.1", ready));
  }

  private serve(http: Http): void {
    http.on("connection", (socket) => {
      this.sockets.add(socket);
      socket.once("close", () => this.sockets.delete(socket));
    });
    http.on("request", (incoming, answer) => void this.pass(incoming, answer));
  }

  private async pass(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { hostname, port } = this.to;
    const { url: path, method, headers } = incoming;
    const onward = request({ hostname, port, path, method, headers }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      answer.flushHeaders();
      reply.pipe(answer);
      reply.once("error", () => answer.destroy());
    });
    onward.once("error", () => answer.destroy());
    answer.once("close", () => onward.destroy());
    const parts: Buffer[] = [];
    for await (const part of incoming) parts.push(part);
    const body = Buffer.concat(parts);
    if (method === "POST") this.asked.push(JSON.parse(body.toString()));
    onward.end(body);
  }
}
