// Mosaic's mark, drawn in place. It must not know where.

/** The same as icon.svg. */
export function Logo({ size = 20 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect x="2" y="2" width="13" height="18" rx="3" fill="#5b8def" />
      <rect x="17" y="2" width="13" height="10" rx="3" fill="#4fb39a" />
      <rect x="17" y="14" width="13" height="16" rx="3" fill="#d08a4e" />
      <rect x="2" y="22" width="13" height="8" rx="3" fill="#a07cd0" />
    </svg>
  );
}
