// More of the conversations that the page knows.
export function useMore(): { more: boolean; loadMore: () => void } {
  return { more: false, loadMore: () => undefined };
}
