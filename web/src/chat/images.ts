// Which images a message takes: kinds, count and size, in the words for those it does not.
// It must not know where they come from.

export const IMAGE_TYPES: readonly string[] = ["image/png", "image/jpeg", "image/gif", "image/webp"];
export const IMAGES_MAX = 16;
export const IMAGES_BYTES_MAX = 3 * 1024 * 1024;

export interface Picture {
  readonly mediaType: string;
  readonly data: Uint8Array<ArrayBuffer>;
  readonly name: string;
}

export interface Offered {
  readonly name: string;
  readonly type: string;
  readonly size: number;
}

/** Which of the offered files fit beside those that are there; a sentence for each that does not. */
export function choose<T extends Offered>(
  there: readonly { readonly data: Uint8Array }[],
  offered: readonly T[],
): { taken: readonly T[]; refused: readonly string[] } {
  const taken: T[] = [];
  const refused: string[] = [];
  let bytes = there.reduce((sum, picture) => sum + picture.data.length, 0);
  for (const file of offered) {
    const name = file.name || "The image";
    if (!IMAGE_TYPES.includes(file.type)) {
      refused.push(
        `${name} is ${file.type || "of an unknown kind"}: a message takes PNG, JPEG, GIF and WebP.`,
      );
    } else if (there.length + taken.length >= IMAGES_MAX) {
      refused.push(`${name} is one too many: a message takes ${IMAGES_MAX} images.`);
    } else if (bytes + file.size > IMAGES_BYTES_MAX) {
      refused.push(`${name} is too large: the images of a message may have 3 MiB together.`);
    } else {
      taken.push(file);
      bytes += file.size;
    }
  }
  return { taken, refused };
}
