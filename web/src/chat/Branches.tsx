// Steps through the messages that stand beside one: ‹ 2/3 ›.
// It must not know why there are several.

import { ChevronLeft, ChevronRight } from "lucide-react";
import { IconButton } from "../ui/index.ts";
import styles from "./Message.module.css";

interface BranchesProps {
  ids: readonly string[];
  index: number;
  onShow: (messageId: string) => void;
}

export function Branches({ ids, index, onShow }: BranchesProps) {
  if (ids.length < 2 || index < 0) {
    return null;
  }
  const step = (by: number) => {
    const id = ids[index + by];
    if (id !== undefined) {
      onShow(id);
    }
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields
    <div role="group" aria-label="Versions" className={styles.branches}>
      <IconButton
        label="Previous version"
        icon={ChevronLeft}
        size="small"
        disabled={index === 0}
        onClick={() => step(-1)}
      />
      <span title={`Version ${index + 1} of ${ids.length}`}>
        {index + 1}/{ids.length}
      </span>
      <IconButton
        label="Next version"
        icon={ChevronRight}
        size="small"
        disabled={index === ids.length - 1}
        onClick={() => step(1)}
      />
    </div>
  );
}
