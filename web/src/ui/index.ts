// The parts that every view is built of. They must not know the server or each other's views.

export { Badge, type Tone } from "./Badge.tsx";
export { Button, type ButtonProps, type ButtonVariant, IconButton, type IconButtonProps } from "./Button.tsx";
export { CopyButton } from "./CopyButton.tsx";
export { copyOrTell, copyText, readClipboard } from "./clipboard.ts";
export { type Ask, useConfirm } from "./confirm.tsx";
export { cx } from "./cx.ts";
export { Dialog, type DialogProps } from "./Dialog.tsx";
export { Empty, type EmptyProps } from "./Empty.tsx";
export { FailureNote, type FailureNoteProps } from "./FailureNote.tsx";
export { Field, type FieldProps, Input, type InputProps, TextArea, type TextAreaProps } from "./Field.tsx";
export {
  absoluteTime,
  countText,
  durationText,
  type Instant,
  millisOf,
  relativeTime,
  wholeCount,
} from "./format.ts";
export { Kbd } from "./Kbd.tsx";
export { Menu, type MenuItem, type MenuProps } from "./Menu.tsx";
export { Select, type SelectOption, type SelectProps } from "./Select.tsx";
export { Spinner } from "./Spinner.tsx";
export { Switch, type SwitchProps } from "./Switch.tsx";
export { type Tab, Tabs, type TabsProps } from "./Tabs.tsx";
export { Tooltip, type TooltipProps } from "./Tooltip.tsx";
export {
  isThemeChoice,
  TERMINAL_PALETTES,
  type TerminalPalette,
  THEME_LABELS,
  THEME_NAMES,
  type ThemeChoice,
  type ThemeName,
} from "./themes.ts";
export { Duration, Time, type TimeProps } from "./time.tsx";
export { type ToastOptions, toast } from "./toast.tsx";
export { UiProvider } from "./UiProvider.tsx";
