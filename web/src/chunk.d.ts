// What `chunk.ts` beside `vite.config.ts` makes of a module: where it is.

declare module "*?chunk" {
  const url: string;
  export default url;
}
