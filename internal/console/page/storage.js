// What GraphiQL keeps in the browser.
//
// Tabs are kept under a name that carries the version of the examples, so a program with other
// examples opens with its own, and the tabs that the user made or changed move over. All else
// (theme, sizes of panes, history of operations) is shared.
//
//   configapi:<version>:graphiql:tabState   the tabs
//   configapi:<version>:examples            the examples as they were shipped: what equals one is nobody's own
//   configapi:graphiql:…                    the rest
//
// Two pages of one browser write here at the same time, and neither may drop a tab that the other
// has opened.
(() => {
  'use strict';

  const ROOT = 'configapi:';
  const TABS = 'graphiql:tabState';
  const VERSIONED = new Set([TABS, 'graphiql:query', 'graphiql:variables', 'graphiql:headers', 'graphiql:operationName']);
  const RECORDS = new Set(['graphiql:queries', 'graphiql:favorites']);

  /** Lays out the tabs, and returns the storage that GraphiQL is given. */
  window.openStorage = ({ version, examples }) => {
    const { store, known } = layOutWhereAllowed(version, examples);
    const named = (key) => (VERSIONED.has(key) ? `${ROOT}${version}:${key}` : ROOT + key);
    return {
      getItem: (key) => store.getItem(named(key)),
      removeItem: (key) => store.removeItem(named(key)),
      setItem(key, value) {
        let kept = value;
        if (key === TABS) {
          kept = mergedWithOtherPages(value, store.getItem(named(key)), known);
        } else if (RECORDS.has(key)) {
          kept = withoutHeaders(value);
        }
        store.setItem(named(key), kept);
      },
      clear: () => keysOf(store).forEach((key) => store.removeItem(key)),
      get length() {
        return keysOf(store).length;
      },
    };
  };

  // A browser may refuse local storage, or have no space left in it: then the tabs last as long as
  // the page.
  function layOutWhereAllowed(version, examples) {
    try {
      return layOut(window.localStorage, version, examples);
    } catch {
      return layOut(memoryStore(), version, examples);
    }
  }

  function memoryStore() {
    const items = new Map();
    return {
      getItem: (key) => items.get(key) ?? null,
      setItem: (key, value) => items.set(key, String(value)),
      removeItem: (key) => items.delete(key),
      key: (index) => [...items.keys()][index] ?? null,
      get length() {
        return items.size;
      },
    };
  }

  function layOut(store, version, examples) {
    const prefix = `${ROOT}${version}:`;
    const shipped = new Set(examples.map(contentOf));
    const stored = parse(store.getItem(prefix + TABS));
    const present = Array.isArray(stored?.tabs) && stored.tabs.length > 0 ? stored.tabs : examples.map(tabOf);
    const adopted = tabsOfOtherVersions(store, version).filter((tab) => !shipped.has(contentOf(tab)));
    const tabs = [...present, ...adopted];
    const activeTabIndex = tabs[stored?.activeTabIndex] ? stored.activeTabIndex : 0;

    store.setItem(`${prefix}examples`, JSON.stringify([...shipped]));
    store.setItem(prefix + TABS, JSON.stringify({ tabs, activeTabIndex }));
    // GraphiQL opens the tab that equals these two, and makes a new one when none does.
    store.setItem(`${prefix}graphiql:query`, tabs[activeTabIndex].query ?? '');
    store.setItem(`${prefix}graphiql:variables`, tabs[activeTabIndex].variables ?? '');
    keysOf(store).filter((key) => isOfOtherVersion(key, version)).forEach((key) => store.removeItem(key));
    return { store, known: new Map(tabs.map((tab) => [tab.id, contentOf(tab)])) };
  }

  function tabsOfOtherVersions(store, version) {
    const others = new Set(keysOf(store).filter((key) => isOfOtherVersion(key, version)).map(versionOf));
    return [...others].flatMap((other) => {
      const shipped = new Set(parse(store.getItem(`${ROOT}${other}:examples`)) ?? []);
      const tabs = parse(store.getItem(`${ROOT}${other}:${TABS}`))?.tabs ?? [];
      return tabs
        .filter((tab) => tab.query?.trim() && !shipped.has(contentOf(tab)))
        .map((tab) => ({ ...tab, id: `${other}-${tab.id}` }));
    });
  }

  // This page's word counts for the tabs that it has changed, opened or closed itself, what is
  // stored for all others.
  // known :: id of a tab → its content when this page last read or wrote it
  function mergedWithOtherPages(value, stored, known) {
    const state = JSON.parse(value);
    const theirs = new Map((parse(stored)?.tabs ?? []).map((tab) => [tab.id, tab]));
    const tabs = state.tabs.map((tab) => {
      const changedHere = contentOf(tab) !== known.get(tab.id);
      known.set(tab.id, contentOf(tab));
      return changedHere ? tab : (theirs.get(tab.id) ?? tab);
    });
    const openedThere = [...theirs.values()].filter((tab) => !known.has(tab.id));
    return JSON.stringify({ ...state, tabs: [...tabs, ...openedThere] });
  }

  // Headers carry credentials, which have no business on a disk.
  function withoutHeaders(value) {
    return JSON.stringify(JSON.parse(value), (key, item) => (key === 'headers' ? undefined : item));
  }

  function tabOf({ name, query, variables }) {
    return { id: name, title: name, query, variables: variables ?? null, headers: null, operationName: name, response: null };
  }

  function contentOf({ query, variables }) {
    return JSON.stringify([(query ?? '').trim(), (variables ?? '').trim()]);
  }

  function versionOf(key) {
    return key.match(/^configapi:([0-9a-f]+):/)?.[1];
  }

  function isOfOtherVersion(key, version) {
    return versionOf(key) !== undefined && versionOf(key) !== version;
  }

  function keysOf(store) {
    return Array.from({ length: store.length }, (_, index) => store.key(index)).filter((key) => key.startsWith(ROOT));
  }

  function parse(text) {
    try {
      return JSON.parse(text);
    } catch {
      return null;
    }
  }
})();
