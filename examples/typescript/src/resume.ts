import type { Client } from 'graphql-ws';

/**
 * Makes the subscriptions of a client go on where they were cut, with no change lost and none repeated.
 *
 * After a reconnect the client sends the variables of a subscription again. So each message's position becomes their `after`,
 * which the operation must declare: `subscription ($after: Position) { configChanges(after: $after) { changes { … } position } }`.
 * It has to happen when a message arrives: `iterate` hands messages out later than that, and so is not to be had here.
 */
export function resuming(client: Client): Client & { iterate: never } {
  return {
    ...client,
    iterate: undefined as never,
    subscribe(payload, sink) {
      const variables: Record<string, unknown> = { ...payload.variables };
      return client.subscribe<{ configChanges?: { position: string } }>({ ...payload, variables }, {
        next(message) {
          variables.after = message.data?.configChanges?.position ?? variables.after;
          sink.next(message as never);
        },
        error: (reason) => sink.error(reason),
        complete: () => sink.complete(),
      });
    },
  };
}
