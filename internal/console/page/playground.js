// Starts GraphiQL with the example operations in tabs.
(() => {
  'use strict';

  const { GraphiQL, React, ReactDOM, openStorage } = window;
  const settings = JSON.parse(document.getElementById('settings').textContent);

  const endpoint = new URL(settings.endpoint, window.location.href);
  const subscriptions = new URL(endpoint);
  subscriptions.protocol = endpoint.protocol === 'https:' ? 'wss:' : 'ws:';
  const fetcher = GraphiQL.createFetcher({
    url: endpoint.href,
    subscriptionUrl: subscriptions.href,
    enableIncrementalDelivery: false,
  });

  const playground = React.createElement(
    GraphiQL,
    {
      fetcher: async (operation, options) => {
        const answer = await fetcher(operation, options);
        return answer?.[Symbol.asyncIterator] ? keepingChangesInView(answer) : answer;
      },
      storage: openStorage(settings),
      // Read only when GraphiQL cannot read the tabs that openStorage has laid out for it.
      defaultTabs: settings.examples,
      defaultQuery: '',
      defaultEditorToolsVisibility: true,
      inputValueDeprecation: true,
      shouldPersistHeaders: false,
    },
    React.createElement(GraphiQL.Logo, null, 'ConfigApi'),
  );
  ReactDOM.createRoot(document.getElementById('playground')).render(playground);

  // GraphiQL shows the newest message of a stream. One that only says how far the stream has come,
  // which a quiet stream sends every few seconds, would wipe the last change off the screen: after
  // the first message such are left out.
  function keepingChangesInView(stream) {
    const messages = stream[Symbol.asyncIterator]();
    let isFirst = true;
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      async next() {
        let message = await messages.next();
        while (!isFirst && !message.done && isWithoutChanges(message.value)) {
          message = await messages.next();
        }
        isFirst = false;
        return message;
      },
      return: () => messages.return(),
    };
  }

  function isWithoutChanges({ data, errors }) {
    return !errors && Object.values(data ?? {}).some((field) => field?.changes?.length === 0);
  }
})();
