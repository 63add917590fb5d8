// Keeps one part's failure from taking the page along, and offers the way on. It must not know what is inside.

import { RotateCw, TriangleAlert } from "lucide-react";
import { Component, type ErrorInfo, type ReactNode } from "react";
import { Button, Empty } from "../ui/index.ts";
import styles from "./ErrorBoundary.module.css";

export interface ErrorBoundaryProps {
  /** What failed, such as "The chat". */
  name: string;
  /** A change tries again, such as another conversation. */
  of?: string;
  /** It stands over the page, not in it: what it says does so too, and can be put away. */
  onClose?(): void;
  children: ReactNode;
}

interface State {
  error?: Error;
  of?: string;
}

export class ErrorBoundary extends Component<ErrorBoundaryProps, State> {
  override state: State = {};

  static getDerivedStateFromError(error: unknown): State {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  static getDerivedStateFromProps(props: ErrorBoundaryProps, state: State): State | null {
    return state.of === props.of ? null : { of: props.of, error: undefined };
  }

  override componentDidCatch(error: unknown, info: ErrorInfo): void {
    console.error(`${this.props.name} failed`, error, info.componentStack);
  }

  override render(): ReactNode {
    const { error } = this.state;
    const { name, onClose, children } = this.props;
    if (!error) return children;
    // A part that could not be loaded: the page is older than the server, or the server is away.
    const loading = /dynamically imported module|module script|Failed to fetch/i.test(error.message);
    return (
      <div role="alert" className={onClose ? styles.over : styles.in}>
        <Empty
          icon={TriangleAlert}
          title={loading ? `${name} could not be loaded` : `${name} stopped working`}
          text={
            loading
              ? "The server may be away, or newer than this page."
              : "Nothing on the server is lost. Try again, or reload the page."
          }
          action={
            <>
              {!loading && (
                <Button icon={RotateCw} onClick={() => this.setState({ error: undefined })}>
                  Try again
                </Button>
              )}
              <Button variant={loading ? "primary" : "plain"} onClick={() => window.location.reload()}>
                Reload the page
              </Button>
              {onClose && (
                <Button
                  variant="ghost"
                  onClick={() => {
                    this.setState({ error: undefined });
                    onClose();
                  }}
                >
                  Close
                </Button>
              )}
            </>
          }
        />
      </div>
    );
  }
}
