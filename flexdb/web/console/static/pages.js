// Asks the service for a page and reads it, so that a part of it can be taken.
export async function ask(url, options) {
  const response = await fetch(url, options);
  return { response, page: await read(response) };
}

export async function read(response) {
  return new DOMParser().parseFromString(await response.text(), "text/html");
}
