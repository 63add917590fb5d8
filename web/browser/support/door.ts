// A way to the server that can be shut as a network can, and that counts the streams in it. It must not know what they
// carry.

import {
  createServer,
  type Server as Http,
  type IncomingMessage,
  request,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";

const STREAM = /\/Watch\w*$/;

export class Door {
  private readonly sockets = new Set<Socket>();
  private streams = 0;
  /** The most streams that were open at once. */
  mostStreams = 0;
  private closed = false;

  private constructor(
    private readonly to: URL,
    private http: Http,
    private readonly port: number,
  ) {}

  static async open(endpoint: string): Promise<Door> {
    const http = createServer();
    await new Promise<void>((ready) => http.listen(0, "127.0.0.1", ready));
    const door = new Door(new URL(endpoint), http, (http.address() as AddressInfo).port);
    door.serve(http);
    return door;
  }

  /** Where pages find it. */
  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Streams that are open now. */
  get openStreams(): number {
    return this.streams;
  }

  /** Cuts every connection; no new one gets through. */
  async shut(): Promise<void> {
    this.closed = true;
    const closed = new Promise((done) => this.http.close(done));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  /** Lets everybody through again. */
  async reopen(): Promise<void> {
    this.closed = false;
    this.http = createServer();
    this.serve(this.http);
    await new Promise<void>((ready) => this.http.listen(this.port, "127.0.0.1", ready));
  }

  async end(): Promise<void> {
    if (!this.closed) await this.shut();
  }

  private serve(http: Http): void {
    http.on("connection", (socket) => {
      this.sockets.add(socket);
      socket.once("close", () => this.sockets.delete(socket));
    });
    http.on("request", (incoming, answer) => this.pass(incoming, answer));
  }

  private pass(incoming: IncomingMessage, answer: ServerResponse): void {
    if (STREAM.test(incoming.url ?? "")) {
      this.streams += 1;
      this.mostStreams = Math.max(this.mostStreams, this.streams);
      answer.once("close", () => {
        this.streams -= 1;
      });
    }
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
    incoming.pipe(onward);
  }
}
