// Runs before anything is drawn: a scheme that was chosen here before stays. Storage may be forbidden.
try {
  const chosen = localStorage.getItem("scheme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.scheme = chosen;
} catch {}
