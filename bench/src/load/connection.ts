import { connect, type Socket } from 'node:net';
import { type ResponseHead, ResponseParser } from './response-parser.ts';

const RECEIVE_BUFFER_BYTES = 32_768;

/** One kept-alive connection with one request under way at most. */
export interface Connection {
  readonly index: number;
  /** @param request stays as it is until the answer has come */
  send(request: Buffer, onAnswer: (head: ResponseHead) => void): void;
  close(): void;
}

/**
 * Opens a connection to this machine. Bytes are read into one buffer that is used again, past the
 * streams of Node: the generator shares the processor with what it measures.
 *
 * @param onError told when the connection ends though nobody closed it, or an answer is unreadable
 */
export function openConnection(
  port: number,
  index: number,
  onError: (error: Error) => void,
): Promise<Connection> {
  let isClosing = false;
  let waiting: ((head: ResponseHead) => void) | undefined;
  const parser = new ResponseParser((head) => {
    const answered = waiting;
    waiting = undefined;
    if (answered === undefined) throw new Error('An answer came to no request.');
    answered(head);
  });
  const socket: Socket = connect({
    host: '127.0.0.1',
    port,
    noDelay: true,
    onread: {
      buffer: Buffer.alloc(RECEIVE_BUFFER_BYTES),
      callback: (length, buffer) => {
        try {
          parser.push(Buffer.from(buffer.buffer, buffer.byteOffset, length));
        } catch (error) {
          onError(error as Error);
        }
        return true;
      },
    },
  });
  socket.on('error', (error) => isClosing || onError(error));
  socket.on('close', () => isClosing || onError(new Error('The server closed a connection.')));
  return new Promise((resolve) => {
    socket.once('connect', () =>
      resolve({
        index,
        send(request, onAnswer) {
          waiting = onAnswer;
          socket.write(request);
        },
        close() {
          isClosing = true;
          socket.destroy();
        },
      }),
    );
  });
}
