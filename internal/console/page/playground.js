// Starts GraphiQL with the example operations in tabs.
(() => {
  'use strict';

  const { GraphiQL, React, ReactDOM, openStorage } = window;
  const settings = JSON.parse(document.getElementById('settings').textContent);

  const endpoint = new URL(settings.endpoint, window.location.href);
  const subscriptions = new URL(endpoint);
  subscriptions.protocol = endpoint.protocol === 'https:' ? 'wss:' : 'ws:';

  const playground = React.createElement(
    GraphiQL,
    {
      fetcher: GraphiQL.createFetcher({
        url: endpoint.href,
        subscriptionUrl: subscriptions.href,
        enableIncrementalDelivery: false,
      }),
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
})();
