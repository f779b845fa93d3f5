// Starts GraphiQL with the example operations in tabs.
(() => {
  'use strict';

  const { GraphiQL, React, ReactDOM, graphqlWs, openAccess, openStorage } = window;
  const settings = JSON.parse(document.getElementById('settings').textContent);

  const endpoint = new URL(settings.endpoint, window.location.href);
  const subscriptions = new URL(endpoint);
  subscriptions.protocol = endpoint.protocol === 'https:' ? 'wss:' : 'ws:';

  const FORBIDDEN = 4403; // how a socket closes whose token is not, or no longer, taken
  const sockets = new Set(); // the open ones
  const root = ReactDOM.createRoot(document.getElementById('playground'));
  const storage = openStorage(settings);
  const access = openAccess(() => {
    sockets.forEach((socket) => socket.dispose()); // they were opened with another token
    render();
  });
  render();

  // GraphiQL reads the schema anew when it gets another fetcher.
  function render() {
    root.render(React.createElement(
      GraphiQL,
      {
        fetcher: async (operation, options) => {
          if (access.refusal()) {
            return { errors: [{ message: access.refusal() }] };
          }
          const token = access.token();
          const headers = withToken(token, options?.headers);
          return isSubscription(operation, options) ? watch(operation, token, headers) : execute(operation, options, token, headers);
        },
        storage,
        // Read only when GraphiQL cannot read the tabs that openStorage has laid out for it.
        defaultTabs: settings.examples,
        defaultQuery: '',
        defaultEditorToolsVisibility: true,
        inputValueDeprecation: true,
        shouldPersistHeaders: false,
      },
      React.createElement(GraphiQL.Logo, null, 'ConfigApi'),
    ));
  }

  /** Sends a query or a mutation. */
  function execute(operation, options, token, headers) {
    const fetcher = GraphiQL.createFetcher({
      url: endpoint.href,
      enableIncrementalDelivery: false,
      async fetch(...request) {
        const response = await window.fetch(...request);
        if (response.status === 401) {
          access.unauthorized(token);
        }
        return response;
      },
    });
    return fetcher(operation, { ...options, headers });
  }

  /** Returns what GraphiQL takes for a stream: an object to subscribe to. */
  function watch(operation, token, headers) {
    return {
      subscribe(sink) {
        let isFirst = true;
        const end = newSocket(token, headers).subscribe(operation, {
          next(message) {
            if (isFirst || !isWithoutChanges(message)) {
              sink.next(message);
            }
            isFirst = false;
          },
          error: (reason) => sink.error(reason instanceof CloseEvent ? { message: closing(reason) } : reason),
          complete: () => sink.complete(),
        });
        return { unsubscribe: end };
      },
    };
  }

  function closing({ code, reason }) {
    return `The server has closed the socket with ${code} ${reason}`.trim();
  }

  function isSubscription({ operationName }, { documentAST } = {}) {
    return documentAST?.definitions.some(({ operation, name }) => operation === 'subscription' && name?.value === (operationName || undefined));
  }

  function withToken(token, headers = {}) {
    if (!token) {
      return headers;
    }
    const others = Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization');
    return { ...Object.fromEntries(others), Authorization: `Bearer ${token}` };
  }

  /** A client for a socket, which it opens when something is subscribed to. */
  function newSocket(token, headers) {
    const client = graphqlWs.createClient({
      url: subscriptions.href,
      connectionParams: headers,
      shouldRetry: (reason) => reason instanceof CloseEvent && reason.code !== FORBIDDEN,
      on: {
        connecting: () => sockets.add(client),
        closed({ code, reason }) {
          sockets.delete(client);
          if (code === FORBIDDEN) {
            access.forbidden(token, reason);
          }
        },
      },
    });
    return client;
  }

  // GraphiQL shows the newest message of a stream. One that only says how far the stream has come,
  // which a quiet stream sends every few seconds, would wipe the last change off the screen: after
  // the first message such are left out.
  function isWithoutChanges({ data, errors }) {
    return !errors && Object.values(data ?? {}).some((field) => field?.changes?.length === 0);
  }
})();
