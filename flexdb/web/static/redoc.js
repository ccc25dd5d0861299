// The search would run in a worker made of a blob, which the page's policy does not allow.
Redoc.init(
  "openapi.json",
  { disableSearch: true, nativeScrollbars: true },
  document.getElementById("docs"),
);
