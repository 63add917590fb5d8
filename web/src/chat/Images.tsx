// The images of a message, small, each to be opened large.
// It must not know who sent them; their bytes come from the server, never from an address.

import { useEffect, useState } from "react";
import type { Image } from "../api/gen/mosaic/chat/v1/chat_pb.ts";
import { Dialog } from "../ui/index.ts";
import { useClients } from "../workspace/hooks.tsx";
import { bytes } from "./format.ts";
import styles from "./Images.module.css";
import { IMAGE_TYPES } from "./images.ts";

/** Lists leave the data out: it is fetched once the message is shown. */
export function Images({ messageId, images }: { messageId: string; images: readonly Image[] }) {
  const { chat } = useClients();
  const whole = images.every((image) => image.data.length > 0);
  const [fetched, setFetched] = useState<readonly Image[]>();
  useEffect(() => {
    if (whole) {
      return;
    }
    const leave = new AbortController();
    chat.getMessage({ messageId }, { signal: leave.signal }).then(
      ({ message }) => setFetched(message?.images),
      () => undefined,
    );
    return () => leave.abort();
  }, [chat, messageId, whole]);
  const shown = whole ? images : (fetched ?? images);
  return (
    <ul className={styles.images} aria-label="Images">
      {shown.map((image, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the images of a message never change
        <li key={index}>
          <Thumbnail
            mediaType={image.mediaType}
            data={image.data}
            label={`Image ${index + 1}`}
            size={image.sizeBytes}
          />
        </li>
      ))}
    </ul>
  );
}

interface ThumbnailProps {
  mediaType: string;
  data: Uint8Array;
  label: string;
  size: bigint;
}

function Thumbnail({ mediaType, data, label, size }: ThumbnailProps) {
  const [open, setOpen] = useState(false);
  const url = useObjectUrl(mediaType, data);
  const words = `${label}, ${mediaType.replace("image/", "").toUpperCase()}, ${bytes(Number(size || BigInt(data.length)))}`;
  if (!url) {
    return <span className={styles.blank} title={words} />;
  }
  return (
    <>
      <button
        type="button"
        className={styles.thumbnail}
        onClick={() => setOpen(true)}
        aria-label={`Open ${words}`}
      >
        <img src={url} alt={label} />
      </button>
      <Dialog open={open} onOpenChange={setOpen} title={label} description={words}>
        <img className={styles.large} src={url} alt={label} />
      </Dialog>
    </>
  );
}

/** An address of bytes that this page holds, until the caller is gone. */
export function useObjectUrl(mediaType: string, data: Uint8Array): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (data.length === 0 || !IMAGE_TYPES.includes(mediaType)) {
      return;
    }
    const made = URL.createObjectURL(new Blob([data as Uint8Array<ArrayBuffer>], { type: mediaType }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [mediaType, data]);
  return url;
}
