/** A close that stopped before its end, for a reason that an operator can act on. */
export class CloseError extends Error {
  override readonly name: string = 'CloseError';
}

/** Another process is closing days. */
export class CloseBusyError extends CloseError {
  override readonly name = 'CloseBusyError';
}

/** Facts, items and statements of a run differ; nothing of it was published. */
export class ControlTotalsError extends CloseError {
  override readonly name = 'ControlTotalsError';
}

/** The date of a close cannot be closed as it was asked for. */
export class CloseDateError extends Error {
  override readonly name = 'CloseDateError';
}
