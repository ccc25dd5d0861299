// The viewer's own colours are for a light page alone.
const DARK = {
  colors: {
    primary: { main: "#91a7ff" },
    success: { main: "#7bd6a6" },
    warning: { main: "#e9c069" },
    error: { main: "#ff9c94" },
    text: { primary: "#e6e8ec", secondary: "#a0a8b5" },
    border: { dark: "#4a515e", light: "#31363f" },
    responses: {
      success: { color: "#7bd6a6", backgroundColor: "#1a3328", tabTextColor: "#7bd6a6" },
      error: { color: "#ff9c94", backgroundColor: "#3a2022", tabTextColor: "#ff9c94" },
      redirect: { color: "#e9c069", backgroundColor: "#372c16", tabTextColor: "#e9c069" },
      info: { color: "#91a7ff", backgroundColor: "#252c48", tabTextColor: "#91a7ff" },
    },
  },
  schema: {
    linesColor: "#4a515e", nestedBackground: "#1b1e25", typeNameColor: "#a0a8b5", typeTitleColor: "#a0a8b5",
    requireLabelColor: "#ff9c94", labelsTextSize: "0.9em", arrow: { color: "#a0a8b5" },
  },
  sidebar: { backgroundColor: "#1b1e25", textColor: "#e6e8ec", arrow: { color: "#a0a8b5" } },
  rightPanel: { backgroundColor: "#1b1e25", textColor: "#e6e8ec" },
  codeBlock: { backgroundColor: "#101216" },
  typography: {
    code: { color: "#ff9c94", backgroundColor: "#21252d" },
    links: { color: "#91a7ff", visited: "#91a7ff", hover: "#b7c5ff" },
    headings: { fontWeight: "600" },
  },
};

// The search would run in a worker made of a blob, which the page's policy does not allow.
Redoc.init(
  "openapi.json",
  {
    disableSearch: true, nativeScrollbars: true,
    theme: matchMedia("(prefers-color-scheme: dark)").matches ? DARK : {},
  },
  document.getElementById("docs"),
);
