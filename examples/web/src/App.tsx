import { Link, Route, Switch } from "wouter";
import { Article } from "./pages/Article";
import { Home } from "./pages/Home";
import { Live } from "./pages/Live";
import { Search } from "./pages/Search";
import { Section } from "./pages/Section";

export function App() {
  return (
    <>
      <a className="skip" href="#main">
        Skip to content
      </a>
      <header>
        <Link href="/" className="brand">
          Demo newsroom
        </Link>
        <nav aria-label="Main">
          <Link href="/">Home</Link>
          <Link href="/live">Live</Link>
          <Link href="/search">Search</Link>
        </nav>
      </header>
      <main id="main">
        <Switch>
          <Route path="/" component={Home} />
          <Route path="/section/*">{(params) => <Section key={params["*"]} path={params["*"]} />}</Route>
          <Route path="/article/:id">{({ id }) => <Article id={id} />}</Route>
          <Route path="/search" component={Search} />
          <Route path="/live" component={Live} />
          <Route>
            <h1>This page does not exist</h1>
          </Route>
        </Switch>
      </main>
    </>
  );
}
