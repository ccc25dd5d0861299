import { init } from "./redoc.standalone.js";

init(
  "openapi.json",
  { layout: "stacked" },
  document.getElementById("docs"),
);
