// The images that will be sent with a message, small, each to be taken away.
// It must not know how they came.

import { X } from "lucide-react";
import { IconButton } from "../ui/index.ts";
import styles from "./Composer.module.css";
import { bytes } from "./format.ts";
import { useObjectUrl } from "./Images.tsx";
import type { Picture } from "./images.ts";
import type { Draft } from "./state.ts";

export function Attached({
  draft,
  onChange,
}: {
  draft: Draft;
  onChange: (images: readonly Picture[]) => void;
}) {
  if (draft.images.length === 0) {
    return null;
  }
  return (
    <ul className={styles.attached} aria-label="Attached images">
      {draft.images.map((picture, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the same image may be there twice
        <li key={index}>
          <Small picture={picture} />
          <IconButton
            label={`Remove ${picture.name || `image ${index + 1}`}`}
            icon={X}
            size="small"
            onClick={() => onChange(draft.images.filter((other) => other !== picture))}
          />
        </li>
      ))}
    </ul>
  );
}

function Small({ picture }: { picture: Picture }) {
  const url = useObjectUrl(picture.mediaType, picture.data);
  return url ? (
    <img src={url} alt={picture.name} title={`${picture.name}, ${bytes(picture.data.length)}`} />
  ) : null;
}
