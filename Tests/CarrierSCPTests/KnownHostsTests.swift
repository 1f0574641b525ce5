import Fabric
import Foundation
import ProgramRunner
import Testing

@testable import CarrierSCP

@Suite("Files of known hosts")
struct KnownHostsTests {
    /// Two keys of one type and one of another, made of nothing but their form.
    private func blob(_ type: String, _ byte: UInt8) -> [UInt8] {
        WireReader.string(Array(type.utf8)) + WireReader.string([UInt8](repeating: byte, count: 32))
    }
    private func line(_ hosts: String, _ type: String = "ssh-ed25519", _ byte: UInt8 = 1) -> String {
        "\(hosts) \(type) \(Base64.encode(blob(type, byte))) a comment"
    }
    private func key(_ type: String = "ssh-ed25519", _ byte: UInt8 = 1) throws -> HostKey {
        try #require(HostKey(blob: blob(type, byte)))
    }

    /// What the lines of one file say about a key.
    private func verdict(_ name: String, _ lines: String..., portless: String? = nil, on key: HostKey) throws -> String
    {
        let folder = try WorkFolder()
        let path = try folder.write("known_hosts", Array(lines.joined(separator: "\n").utf8))
        let known = try KnownHosts(of: name, portless: portless, in: [folder.path("missing"), path])
        switch known.verdict(on: key) {
        case .known: return "known"
        case .unknown(nil): return "unknown"
        case .unknown(let entry?): return "unknown, authority in line \(entry.line.number)"
        case .changed(let entry): return "changed since line \(entry.line.number)"
        case .otherType(let entry): return "other type in line \(entry.line.number)"
        case .revoked(let entry): return "revoked in line \(entry.line.number)"
        }
    }

    @Test("Names, lists, patterns, ports")
    func names() throws {
        let key = try key()
        for hosts in [
            "example.org", "a,example.org,b", "*.org", "ex?mple.org", "EXAMPLE.org", "*", "*.example.org,example.*",
        ] {
            #expect(try verdict("example.org", line(hosts), on: key) == "known", "\(hosts)")
        }
        for hosts in [
            "example.com", "*.example.org", "example.org,!example.org", "!*.org,example.org", "[example.org]:22",
            "example.org:22", "exampl?", "?example.org", "",
        ] {
            #expect(try verdict("example.org", line(hosts), on: key) == "unknown", "\(hosts)")
        }
        #expect(try verdict("[example.org]:2222", line("[example.org]:2222"), on: key) == "known")
        #expect(try verdict("[example.org]:2222", line("[*.org]:2222"), on: key) == "known")
        #expect(try verdict("[example.org]:2222", line("example.org"), on: key) == "unknown")
        // As ssh does: the same key under the bare name will do, and another one is not held against it.
        let bare = "example.org"
        #expect(try verdict("[example.org]:2222", line(bare), portless: bare, on: key) == "known")
        let other = try self.key("ssh-ed25519", 2)
        #expect(try verdict("[example.org]:2222", line(bare), portless: bare, on: other) == "unknown")
    }

    @Test("Hashed names")
    func hashed() throws {
        let salt = [UInt8](repeating: 7, count: 20)
        let hash = Base64.encode(HostPatterns.hash("example.org", salt: salt))
        let field = "|1|\(Base64.encode(salt))|\(hash)"
        #expect(try verdict("example.org", line(field), on: key()) == "known")
        #expect(try verdict("example.net", line(field), on: key()) == "unknown")
        #expect(try verdict("example.org", line("|2|x|y"), on: key()) == "unknown")
    }

    @Test("Changed, other type, revoked, authority")
    func verdicts() throws {
        let (first, second) = (try key(), try key("ssh-ed25519", 2))
        let ecdsa = "ecdsa-sha2-nistp256"
        #expect(try verdict("h", line("h"), on: second) == "changed since line 1")
        #expect(try verdict("h", "", "# x", line("h"), line("h", "ssh-ed25519", 2), on: second) == "known")
        #expect(try verdict("h", line("h", ecdsa), on: first) == "other type in line 1")
        #expect(try verdict("h", line("h", ecdsa), line("h", "ssh-ed25519", 2), on: first) == "changed since line 2")
        #expect(try verdict("h", line("h"), "@revoked " + line("*"), on: first) == "revoked in line 2")
        #expect(try verdict("h", line("h"), "@revoked " + line("other"), on: first) == "known")
        #expect(try verdict("h", "@cert-authority " + line("*"), on: first) == "unknown, authority in line 1")
        #expect(try verdict("h", "@cert-authority " + line("h"), line("h"), on: first) == "known")
    }

    @Test("What is not an entry is passed over; a revocation never is")
    func malformed() throws {
        let key = try key()
        let broken = [
            "h", "h ssh-ed25519", "h ssh-ed25519 !!!!", "h ssh-rsa " + Base64.encode(blob("ssh-ed25519", 1)),
            "@other " + line("h"), "h ssh-ed25519 " + Base64.encode([0, 0, 0, 200, 1]), "|1|a " + line(""),
        ]
        for text in broken { #expect(try verdict("h", text, on: key) == "unknown", "\(text)") }
        #expect(try verdict("h", broken.joined(separator: "\n"), line("h") + "\r", on: key) == "known")
        #expect(try verdict("h", "\u{e9}\u{0}", "\t " + line("h"), on: key) == "known")
        #expect(throws: CarrierError.self) { try verdict("h", "@revoked h ssh-ed25519 !!!!", on: key) }
    }

    @Test("The types to ask for: the known ones first")
    func preference() throws {
        let folder = try WorkFolder()
        let text = line("h", "ecdsa-sha2-nistp384") + "\n" + line("h", "ssh-rsa")
        let path = try folder.write("known_hosts", Array(text.utf8))
        let known = try KnownHosts(of: "h", portless: nil, in: [path])
        #expect(
            known.preferredTypes == [
                "ecdsa-sha2-nistp384", "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp521",
            ])
    }

    @Test("Base64 is read strictly")
    func base64() {
        for bytes: [UInt8] in [[], [0], [1, 2], [1, 2, 3], Array(0...255)] {
            #expect(Base64.encode(bytes) == Data(bytes).base64EncodedString())
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
        }
        for text in ["A", "AA", "AAA", "AB==", "A===", "AAB=", "AA=A", "AA A", "====", "-_==", "AA==AAAA"] {
            #expect(Base64.decode(text) == nil, "\(text)")
        }
    }
}
