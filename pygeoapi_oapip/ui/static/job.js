// The job page.
import { handleDismissals } from "./dismiss.js";
import { Follower } from "./follow.js";

const panel = document.getElementById("job");
const title = document.title;
const follower = new Follower(panel, (status) => { document.title = `${status}: ${title}`; });

handleDismissals(() => panel.querySelector(".problem"), (ended) => {
  if (ended) window.location.assign(`${document.body.dataset.base}/jobs`);
  else follower.soon();
});
follower.start();
