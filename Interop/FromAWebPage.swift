import Foundation
import ProgramRunner
import Testing

/// What a web page in a real browser on this machine achieves at our hub and inbox: nothing.
@Suite("From a web page", .timeLimit(.minutes(3)))
struct FromAWebPage {
    /// Serves the page on a port of its own, opens it in Chromium, and prints what the page reports of its attempts.
    private static let browser = #"""
        import http.server, json, os, subprocess, sys, tempfile, threading
        hub, inbox, envelope = sys.argv[1:4]
        page = """<!doctype html><script>
        const hub = %s, inbox = %s;
        const attempt = async (name, work) => {
            try { return [name, String(await work())] } catch (error) { return [name, "failed"] }
        };
        const simple = (place, body) => async () =>
            (await fetch(place, {method: "POST", mode: "no-cors", headers: {"Content-Type": "text/plain"}, body})).type;
        const text = object => JSON.stringify(object);
        (async () => {
            const sealed = new Blob([await (await fetch("/envelope")).arrayBuffer()], {type: "text/plain"});
            const untyped = new Blob([text({from_agent: "page", to_agent: "bob", content: "untyped"})]);
            const message = text({from_agent: "page", to_agent: "bob", content: "x"});
            const results = Object.fromEntries(await Promise.all([
                attempt("push", simple(hub + "/api/ipoll/push", message)),
                attempt("untyped", async () =>
                    (await fetch(hub + "/api/ipoll/push", {method: "POST", mode: "no-cors", body: untyped})).type),
                attempt("open", simple(hub + "/api/mux/open", text({agent: "page", target: "bob", intent: "x"}))),
                attempt("blob", simple(hub + "/api/blobs", text(
                    {agent: "page", to: "bob", size_bytes: 1, name: "x", digest: "sha256:" + "0".repeat(64)}))),
                attempt("register", simple(hub + "/api/ipoll/register", text({agent_id: "page"}))),
                attempt("json", async () => (await fetch(hub + "/api/ipoll/push", {
                    method: "POST", headers: {"Content-Type": "application/json"}, body: message})).status),
                attempt("pull", async () => (await fetch(hub + "/api/ipoll/pull/bob")).status),
                attempt("inbox", simple(inbox + "/inbox/page.tza", sealed)),
                attempt("socket", () => new Promise((done, fail) => {
                    const socket = new WebSocket(hub.replace("http", "ws") + "/api/mux/ws?agent=page");
                    socket.onopen = () => { socket.send(text({action: "open", target: "bob"})); done("open") };
                    socket.onerror = fail;
                })),
            ]));
            await fetch("/report", {method: "POST", body: text(results)});
        })();
        </script>""" % (json.dumps(hub), json.dumps(inbox))
        done, report = threading.Event(), []
        class Page(http.server.BaseHTTPRequestHandler):
            def log_message(self, *arguments): pass
            def answer(self, body, type):
                self.send_response(200)
                self.send_header("Content-Type", type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            def do_GET(self):
                if self.path == "/envelope": self.answer(open(envelope, "rb").read(), "application/octet-stream")
                elif self.path == "/": self.answer(page.encode(), "text/html")
                else: self.send_error(404)
            def do_POST(self):
                report.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self.answer(b"", "text/plain")
                done.set()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        profile = tempfile.mkdtemp(dir=".")
        chromium = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--user-data-dir=" + os.path.abspath(profile), "--remote-debugging-port=0",
             "http://127.0.0.1:%d/" % server.server_port],
            env=dict(os.environ, HOME=os.path.abspath(profile)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, start_new_session=True)
        ended = threading.Thread(target=lambda: (chromium.stderr.read(), done.set()), daemon=True)
        ended.start()
        done.wait(100)
        os.killpg(chromium.pid, 9)
        chromium.wait()
        print(report[0] if report else "the page reported nothing")
        sys.exit(0 if report else 1)
        """#

    @Test("Chromium's page stores nothing, reads nothing, and opens no WebSocket")
    func chromium() async throws {
        let folder = try WorkFolder()
        let hub = try await RunningHub(["--open"])
        let inbox = try await Receiver(in: folder)
        try folder.write("note.txt", Array("from a page".utf8))
        let sealed = try await BuiltProgram.run(
            "seal", "note.txt", "-o", "page.tza", "--identity", folder.path("identity"), in: folder.url)
        try #require(sealed.status == 0, "\(sealed)")
        try folder.write("browser.py", Array(Self.browser.utf8))
        let outcome = try await Program(
            "/usr/bin/env", ["python3", "browser.py", hub.url, inbox.url, folder.path("page.tza")], in: folder.url
        ).outcome(within: .seconds(120))
        try #require(outcome.status == 0, "\(outcome)")
        let report = try #require(
            try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: String])
        // What needs no permission was sent, and its answer is not shown to the page; the rest failed.
        let sent = Dictionary(
            uniqueKeysWithValues: ["push", "untyped", "open", "blob", "register", "inbox"].map { ($0, "opaque") })
        let failed = Dictionary(uniqueKeysWithValues: ["json", "pull", "socket"].map { ($0, "failed") })
        #expect(report == sent.merging(failed) { $1 })
        func counts() async throws -> [Int] {
            let status = try await hub.get("/api/hub/status")
            func number(_ group: String, _ key: String) -> Int { (status[group] as? [String: Any])?[key] as? Int ?? -1 }
            return [
                number("messages", "pushed"), number("channels", "opened"), status["agents"] as? Int ?? -1,
                status["blob_bytes"] as? Int ?? -1,
            ]
        }
        #expect(try await counts() == [0, 0, 0, 0])
        #expect(try folder.names("inbox").filter { $0.hasSuffix(".tza") } == [])
        // The same from a program is accepted.
        try await hub.post("/api/ipoll/push", ["from_agent": "page", "to_agent": "bob", "content": "x"])
        #expect(try await counts()[0] == 1)
        let program = try await Program(
            "/usr/bin/curl",
            [
                "-sS", "-w", "%{http_code}", "-H", "Content-Type: application/octet-stream", "--data-binary",
                "@page.tza",
                inbox.url + "/inbox/page.tza",
            ], in: folder.url
        ).outcome()
        #expect(program.output.hasSuffix("201"), "\(program)")
        #expect(try folder.names("inbox").filter { $0.hasSuffix(".tza") } == ["page.tza"])
        try await hub.program.stop()
        try await inbox.program.stop()
    }
}
