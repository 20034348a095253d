import type { Resolution } from '../../src/resolutions/resolution.ts';
import type { CallFate } from './simulated-pg.ts';
import type { LoopName } from './worker.ts';

/** One thing that happens. A step that cannot happen where it stands does nothing. */
export type Step =
  /** A merchant asks for a payment; `sharesSource` takes what the shopper authenticated before. */
  | {
      readonly do: 'pay';
      readonly fates: readonly CallFate[];
      /** What becomes of its net-cancels. */
      readonly undone: readonly CallFate[];
      readonly sharesSource: boolean;
    }
  /** A merchant cancels, a part in thousandths or, for null, all; payment-api may refuse it. */
  | {
      readonly do: 'cancel';
      readonly payment: number;
      readonly part: number | null;
      readonly fates: readonly CallFate[];
    }
  /** An operator decides on an exception, be it open or not; a worker does it. */
  | {
      readonly do: 'resolve';
      readonly worker: number;
      readonly exception: number;
      readonly resolution: Resolution;
    }
  /** payment-api sends the request of a payment once more. */
  | { readonly do: 'ask-again'; readonly payment: number }
  /** A message comes to pg-processor, in any order; `again` leaves it to come once more. */
  | {
      readonly do: 'deliver';
      readonly worker: number;
      readonly message: number;
      readonly again: boolean;
    }
  /** A worker goes round one of its loops. */
  | { readonly do: 'start'; readonly worker: number; readonly loop: LoopName }
  /** Something that a worker asked for is done; with `whole`, and answered. */
  | { readonly do: 'go'; readonly worker: number; readonly pick: number; readonly whole: boolean }
  | { readonly do: 'crash'; readonly worker: number }
  | { readonly do: 'pass'; readonly ms: number }
  /** The outbox is published; with `dies`, the relay dies before it deletes what it sent. */
  | { readonly do: 'relay'; readonly dies: boolean }
  /** An event comes to payment-api, in any order; `again` leaves it to come once more. */
  | { readonly do: 'project'; readonly message: number; readonly again: boolean }
  /** The next inquiries, so many, get no answer. */
  | { readonly do: 'lose-inquiries'; readonly count: number };

/** For a reader of a failing history. */
export function stepText(step: Step): string {
  switch (step.do) {
    case 'pay':
      return `pay${step.sharesSource ? ' with the source of the payment before' : ''}: ${step.fates.map(fateText).join(', then ')}${undoneText(step.undone)}`;
    case 'cancel':
      return `${step.part === null ? 'all' : `${step.part} thousandths`} of payment ${step.payment} cancelled: ${step.fates.map(fateText).join(', then ')}`;
    case 'resolve':
      return `an operator tells worker ${step.worker} to ${step.resolution} exception ${step.exception}`;
    case 'ask-again':
      return `the requests of payment ${step.payment} are sent once more`;
    case 'deliver':
      return `message ${step.message} comes to worker ${step.worker}${againText(step)}`;
    case 'start':
      return `worker ${step.worker} begins to ${step.loop}`;
    case 'go':
      return `worker ${step.worker} goes on (${step.pick}${step.whole ? '' : ', without the answer'})`;
    case 'crash':
      return `worker ${step.worker} dies`;
    case 'pass':
      return `${step.ms} ms pass`;
    case 'relay':
      return `the outbox is published${step.dies ? ', and the relay dies before it deletes' : ''}`;
    case 'project':
      return `event ${step.message} comes to payment-api${againText(step)}`;
    case 'lose-inquiries':
      return `the next ${step.count} inquiries get no answer`;
    default:
      return step satisfies never;
  }
}

function undoneText(fates: readonly CallFate[]): string {
  return fates.length === 0 ? '' : `; undone: ${fates.map(fateText).join(', then ')}`;
}

function againText({ again }: { readonly again: boolean }): string {
  return again ? ', and will once more' : '';
}

function fateText({ executes, afterMs, hiddenMs, answer }: CallFate): string {
  const after = afterMs > 0 ? ` after ${afterMs} ms` : '';
  const hidden = hiddenMs > 0 ? `, not shown for ${hiddenMs} ms` : '';
  return `executes ${executes}${after}${hidden}, answer ${answer}`;
}
