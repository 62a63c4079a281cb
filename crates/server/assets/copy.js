// The page that shows a token once: a button that copies it and says so. The page works
// without this. Nothing here makes markup from text: Trusted Types forbid it.
"use strict";

const field = document.getElementById("token");
const said = document.getElementById("said");
const hint = document.getElementById("token-hint");

const say = (text) => {
  // Emptied first, so that the same words are read out again.
  said.textContent = "";
  requestAnimationFrame(() => { said.textContent = text; });
};

const copy = async () => {
  field.focus();
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    say("Copied. Paste it where it is needed before you leave this page.");
  } catch {
    say("This browser did not let the page copy. The token is selected: press Ctrl+C or ⌘C.");
  }
};

const button = document.createElement("button");
button.type = "button";
button.id = "copy";
button.className = "primary";
button.textContent = "Copy the token";
button.addEventListener("click", copy);
field.after(button);
field.setAttribute("aria-describedby", "said");
hint.remove();

// Browsers keep pages for the back button as they were left. This one is left empty.
addEventListener("pagehide", () => {
  field.value = "";
  button.remove();
  said.textContent = "The token was shown here once. If it was not copied, make another.";
});
