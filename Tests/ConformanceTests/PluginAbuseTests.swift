import CarrierConformance
import CarrierExec
import Fabric
import Foundation
import SystemPackage
import Testing

extension ConformanceTests {
    /// Plug-ins that hang, flood, lie and die: each harms nothing, and gives a typed error.
    @Suite("Plug-ins that misbehave", .timeLimit(.minutes(5)))
    struct PluginAbuseTests {
        /// A plug-in of a few lines of shell, in a directory of its own.
        final class Script: Sendable {
            let scratch: ScratchDirectory

            static let hello =
                #"{"type":"hello","protocols":[1],"version":"1","powers":["progress","arrivals","resume"],"traits":"#
                + #"{"strongest_receipt":"stored","largest_envelope":null,"in_flight":2,"publishes_atomically":true}}"#

            /// A plug-in that introduces itself, and does `body` for everything else.
            init(_ body: String, hello: String = "printf '%s\\n' '\(hello)'") throws {
                scratch = try ScratchDirectory()
                let text = """
                    #!/bin/sh
                    here='\(scratch.path)'
                    if [ "$TCD_OP" = hello ]; then
                    \(hello)
                    exit 0
                    fi
                    if [ "$TCD_OP" = resume ]; then
                    \(body.contains("TCD_OP") ? ":" : #"printf '{"type":"held","bytes":0}\n'; exit 0"#)
                    fi
                    \(body)
                    """
                let path = scratch.path + "/tcd-carrier-script"
                try Data(text.utf8).write(to: URL(fileURLWithPath: path))
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
            }

            var route: Route { Route(scheme: "script", address: scratch.path) }

            func carrier(
                _ environment: [String: String] = [:], _ change: (inout PluginLimits) -> Void = { _ in }
            ) async throws -> any Carrier {
                var limits = PluginLimits()
                limits.stallTime = .seconds(3)
                change(&limits)
                var all = ProcessInfo.processInfo.environment
                for (name, value) in environment { all[name] = value }
                let plugin = try #require(Plugin(name: "script", path: scratch.path + "/tcd-carrier-script"))
                return try await ExecCarrier.open(plugin, environment: all, limits: limits)
            }

            func file(_ name: String) -> String? {
                try? String(contentsOfFile: scratch.path + "/" + name, encoding: .utf8)
            }
        }

        static func envelope(_ size: Int64 = 3_000_000) throws -> SealedEnvelope {
            PatternSource(size: size, seed: 1).envelope(try #require(ArrivalName("a.tza")))
        }

        static func failure(_ carrier: any Carrier, _ route: Route, _ size: Int64 = 3_000_000) async throws
            -> CarrierError?
        {
            let envelope = try envelope(size)
            do throws(CarrierError) {
                _ = try await carrier.deliver(envelope, along: route, reporting: .none)
                return nil
            } catch {
                return error
            }
        }

        /// Waits until nobody lives in the group. What was killed may be on its way out for a moment.
        static func isGone(_ group: pid_t) async {
            while !living(in: group).isEmpty { await Task.yield() }
        }

        /// The processes of a group that are no zombies (`proc(5)`, `stat`).
        static func living(in group: pid_t) -> [String] {
            let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return all.filter { entry in
                guard Int(entry) != nil, let text = try? String(contentsOfFile: "/proc/\(entry)/stat", encoding: .utf8),
                    let end = text.lastIndex(of: ")")
                else { return false }
                let fields = text[end...].split(separator: " ")
                return fields.count > 3 && fields[1] != "Z" && fields[3] == String(group)
            }
        }

        struct Misdeed: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let body: String
            let kind: CarrierError.Kind
        }

        static let receipt = #"printf '{"type":"receipt","strength":"stored","digest":"%s"}\n' "$TCD_DIGEST""#

        static let misdeeds = [
            Misdeed(testDescription: "says nothing", body: "sleep 3600", kind: .stalled),
            Misdeed(
                testDescription: "takes all and says nothing", body: "cat <&3 >/dev/null; sleep 3600", kind: .stalled),
            Misdeed(
                testDescription: "does not go when asked", body: "trap '' TERM; while :; do sleep 1; done",
                kind: .stalled),
            Misdeed(testDescription: "goes without a word", body: "exit 0", kind: .unreachable),
            Misdeed(testDescription: "goes with a status", body: "echo oh >&2; exit 3", kind: .unreachable),
            Misdeed(testDescription: "kills itself", body: "kill -9 $$", kind: .unreachable),
            Misdeed(
                testDescription: "writes garbage", body: #"printf 'HTTP/1.1 200 OK\r\n'; sleep 3600"#, kind: .corrupted),
            Misdeed(testDescription: "writes zeros", body: "cat /dev/zero", kind: .corrupted),
            Misdeed(
                testDescription: "writes lines", body: #"exec yes '{"type":"progress","bytes":0}'"#, kind: .corrupted),
            Misdeed(testDescription: "writes empty lines", body: "exec yes ''", kind: .corrupted),
            Misdeed(testDescription: "complains without end", body: "yes complaint >&2", kind: .corrupted),
            Misdeed(
                testDescription: "nests deeply", body: "head -c 60000 /dev/zero | tr '\\0' '['; echo", kind: .corrupted),
            Misdeed(testDescription: "answers something else", body: #"echo '{"type":"ready"}'"#, kind: .corrupted),
            Misdeed(
                testDescription: "invents errors", body: #"echo '{"type":"error","kind":"odd","action":"retry"}'"#,
                kind: .corrupted),
            Misdeed(testDescription: "confirms without reading", body: receipt, kind: .corrupted),
            Misdeed(
                testDescription: "confirms before the end", body: "head -c 2000000 <&3 >/dev/null; " + receipt,
                kind: .corrupted),
            Misdeed(
                testDescription: "confirms other bytes",
                body: #"cat <&3 >/dev/null; printf '{"type":"receipt","strength":"stored","digest":"%064d"}\n' 0"#,
                kind: .corrupted),
            Misdeed(
                testDescription: "confirms without a digest",
                body: #"cat <&3 >/dev/null; echo '{"type":"receipt","strength":"stored"}'"#, kind: .corrupted),
            Misdeed(
                testDescription: "confirms more than it promised",
                body:
                    #"cat <&3 >/dev/null; printf '{"type":"receipt","strength":"verified","digest":"%s"}\n' $TCD_DIGEST"#,
                kind: .corrupted),
            Misdeed(
                testDescription: "is ahead of itself", body: #"echo '{"type":"progress","bytes":3000001}'; sleep 3600"#,
                kind: .corrupted),
            Misdeed(
                testDescription: "goes back",
                body:
                    "cat <&3 >/dev/null; for n in 9 8; do echo '{\"type\":\"progress\",\"bytes\":'$n'}'; done; sleep 3600",
                kind: .corrupted),
            Misdeed(
                testDescription: "sends negative progress", body: #"echo '{"type":"progress","bytes":-1}'; sleep 3600"#,
                kind: .corrupted),
        ]

        @Test("It ends in a typed error, and nobody is left", arguments: misdeeds)
        func misdeed(_ misdeed: Misdeed) async throws {
            let script = try Script("echo $$ >\"$here/pid\"\n" + misdeed.body)
            let carrier = try await script.carrier { $0.lines = 1000 }
            let error = try await Self.failure(carrier, script.route)
            #expect(error?.kind == misdeed.kind, "\(String(describing: error))")
            let id = try #require(script.file("pid").flatMap { pid_t($0.dropLast()) })
            // The whole group, whose number is the plug-in's.
            await Self.isGone(id)
        }

        @Test("What it started is ended with it")
        func grandchildren() async throws {
            let script = try Script(
                "echo $$ >\"$here/pid\"\nsleep 3600 & sleep 3601 & cat <&3 >/dev/null\n" + Self.receipt)
            #expect(try await Self.failure(try await script.carrier(), script.route) == nil)
            let id = try #require(script.file("pid").flatMap { pid_t($0.dropLast()) })
            await Self.isGone(id)
        }

        @Test("It gets its request, its own variables, a clean environment, and no descriptor of ours")
        func surroundings() async throws {
            let leak = open("/dev/null", O_RDONLY)
            defer { close(leak) }
            let script = try Script(
                """
                IFS= read -r line; printf '%s' "$line" >"$here/request"; env >"$here/env"; ls /proc/self/fd | wc -l >"$here/fds"
                cat <&3 >/dev/null
                \(Self.receipt)
                """)
            let carrier = try await script.carrier([
                "SECRET_TOKEN": "s", "LD_PRELOAD": "/x.so", "TIBET_IDENTITY": "/i", "TIBET_CARRIER_SCRIPT_KEY": "mine",
                "TIBET_CARRIER_OTHER_KEY": "other",
            ])
            #expect(try await Self.failure(carrier, script.route) == nil)
            let environment = try #require(script.file("env")).split(separator: "\n")
            let names = Set(environment.compactMap { $0.split(separator: "=").first.map(String.init) })
            #expect(
                names.isDisjoint(with: ["SECRET_TOKEN", "LD_PRELOAD", "TIBET_IDENTITY", "TIBET_CARRIER_OTHER_KEY"]))
            #expect(names.isSuperset(of: ["PATH", "TIBET_CARRIER_SCRIPT_KEY", "TCD_OP", "TCD_DIGEST", "TCD_OFFSET"]))
            // 0 to 3, and the directory that is being listed.
            #expect(script.file("fds") == "5\n")
            let line = try #require(script.file("request"))
            let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
            let request = try #require(value as? [String: Any])
            #expect(request["op"] as? String == "deliver" && request["size"] as? Int == 3_000_000)
            #expect(request["path"] as? String == "/dev/fd/3" && request["address"] as? String == script.route.address)
        }

        @Test(
            "An introduction that cannot be is not believed",
            arguments: [
                ("sleep 3600", CarrierError.Kind.stalled), ("exit 1", .unreachable), ("echo hello", .corrupted),
                (#"echo '{"type":"hello"}'"#, .corrupted),
                (
                    #"echo '{"type":"hello","protocols":[2],"traits":{"strongest_receipt":"stored","in_flight":1}}'"#,
                    .misconfigured
                ),
                (
                    #"echo '{"type":"hello","protocols":[1],"traits":{"strongest_receipt":"sworn","in_flight":1}}'"#,
                    .corrupted
                ),
                (
                    #"echo '{"type":"hello","protocols":[1],"traits":{"strongest_receipt":"stored","in_flight":0}}'"#,
                    .corrupted
                ),
            ])
        func introduction(body: String, kind: CarrierError.Kind) async throws {
            let script = try Script("", hello: body)
            let error = await #expect(throws: CarrierError.self) { _ = try await script.carrier() }
            #expect(error?.kind == kind, "\(String(describing: error))")
        }

        @Test("What is no program, or has no interpreter, is misconfigured")
        func noProgram() async throws {
            let script = try Script("")
            let path = script.scratch.path + "/tcd-carrier-script"
            for text in ["#!/no/such/interpreter\n", "\0\0not a program"] {
                try Data(text.utf8).write(to: URL(fileURLWithPath: path))
                try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
                let error = await #expect(throws: CarrierError.self) { _ = try await script.carrier() }
                #expect(error?.kind == .misconfigured, "\(String(describing: error))")
            }
        }

        @Test("Held bytes that are not the envelope's count for nothing")
        func falseResume() async throws {
            let script = try Script(
                """
                if [ "$TCD_OP" = resume ]; then printf '{"type":"held","bytes":1000,"digest":"%064d"}\\n' 0; exit 0; fi
                echo "$TCD_OFFSET" >"$here/offset"; cat <&3 >/dev/null
                \(Self.receipt)
                """)
            #expect(try await Self.failure(try await script.carrier(), script.route) == nil)
            #expect(script.file("offset") == "0\n")
        }

        @Test("Arrivals that are no files, and more than were asked for")
        func falseArrivals() async throws {
            for (path, kind) in [("/dev/zero", CarrierError.Kind.corrupted), ("/no/such/file", .unreachable)] {
                let script = try Script(
                    """
                    printf '{"type":"arrival","id":"1","name":"a.tza","digest":"%064d","size":5,"path":"\(path)"}\\n' 0
                    echo '{"type":"done"}'
                    """)
                let carrier = try #require(try await script.carrier().receiving)
                let arrival = try await carrier.nextArrival(along: script.route)
                let lane = try Lane(directory: .init(script.scratch.path + "/lane"))
                let error = await #expect(throws: IntakeError.self) { _ = try await lane.take(arrival) }
                guard case .copy(.source(let reason)) = error else {
                    Issue.record("\(String(describing: error))"); continue
                }
                #expect(reason.kind == kind)
            }
            let flood = try Script(
                """
                exec yes '{"type":"arrival","id":"1","name":"a.tza","digest":"00","size":5,"path":"/x"}'
                """)
            let carrier = try #require(try await flood.carrier().receiving)
            let error = await #expect(throws: CarrierError.self) {
                _ = try await carrier.nextArrival(along: flood.route)
            }
            #expect(error?.kind == .corrupted)
        }

        @Test("Plug-ins are found by name, in the configured directory first, and only as programs")
        func finding() throws {
            let (first, second) = (try Script(""), try Script(""))
            let environment = ["TIBET_CARRIER_PATH": "relative:" + first.scratch.path, "PATH": second.scratch.path]
            let path = PluginPath(environment: environment)
            #expect(path.directories == [first.scratch.path, second.scratch.path])
            #expect(path.plugin(named: "script")?.path == first.scratch.path + "/tcd-carrier-script")
            for name in ["", "../script", "a/b", "SCRIPT", "-x", "a b", "missing", String(repeating: "a", count: 33)] {
                #expect(path.plugin(named: name) == nil)
            }
            try Data().write(to: URL(fileURLWithPath: first.scratch.path + "/tcd-carrier-text"))
            try FileManager.default.createDirectory(
                atPath: first.scratch.path + "/tcd-carrier-folder", withIntermediateDirectories: false)
            #expect(path.plugins().map(\.name) == ["script"])
        }
    }
}
