import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Fabric

@Suite("Pins")
struct TrustStoreTests {
    let scratch: ScratchDirectory
    let store: TrustStore
    let first = Hex.encode([UInt8](repeating: 1, count: 32))
    let second = Hex.encode([UInt8](repeating: 2, count: 32))
    static let hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG5vdGhpbmcgdG8gc2VlIGhlcmUsIG1vdmUgYWxvbmcu"

    init() throws {
        scratch = try ScratchDirectory()
        store = TrustStore(state: scratch.path)
    }

    private func pin(_ key: String, _ subject: String = "bob.aint", kind: Pin.Kind = .ains) throws -> Pin {
        try Pin(
            kind: kind, subject: subject, key: key, since: Timestamp(seconds: 1_700_000_000), reason: "first seen",
            source: "AINS at http://h")
    }

    @Test("There is nothing before anything is pinned, and asking makes nothing")
    func empty() throws {
        #expect(try store.pins().isEmpty)
        #expect(try store.check(.ains, "bob.aint", key: first) == .unknown)
        #expect(try scratch.names().isEmpty)
    }

    @Test("A pin is known again in every spelling, and by another process")
    func known() throws {
        try store.add(pin(first))
        let other = TrustStore(state: scratch.path)
        let spelled = "ed25519:" + Data([UInt8](repeating: 1, count: 32)).base64EncodedString()
        #expect(try other.check(.ains, "bob.aint", key: spelled) == .matches(pin(first)))
        #expect(try other.check(.signer, "bob.aint", key: first) == .unknown)
        #expect(try other.check(.ains, "alice.aint", key: first) == .unknown)
        #expect(try other.pins() == [pin(first)])
    }

    @Test("Another key is a change, and so is what is no key")
    func changed() throws {
        try store.add(pin(first))
        #expect(try store.check(.ains, "bob.aint", key: second) == .changed(pinned: pin(first)))
        #expect(try store.check(.ains, "bob.aint", key: "nonsense") == .changed(pinned: pin(first)))
        let error = #expect(throws: TrustError.self) { try store.add(pin(second)) }
        #expect(error?.description.contains(try pin(first).fingerprint) == true)
        #expect(error?.description.contains(try pin(second).fingerprint) == true)
        #expect(error?.category == .refused)
        #expect(try store.pins() == [pin(first)])
    }

    @Test("Hosts are pinned beside the key, stay until they are replaced, and go when the key is rotated")
    func routeHosts() throws {
        #expect(throws: TrustError.self) { try store.pinHosts(["a:443"], of: .ains, "bob.aint", replacing: false) }
        try store.add(pin(first))
        #expect(try store.pin(.ains, "bob.aint")?.hosts == nil)
        try store.pinHosts(["b:22", "a:443", "a:443"], of: .ains, "bob.aint", replacing: false)
        #expect(try store.pinHosts(["evil:443"], of: .ains, "bob.aint", replacing: false).hosts == ["a:443", "b:22"])
        let held = try TrustStore(state: scratch.path).pin(.ains, "bob.aint")
        #expect(held?.hosts == ["a:443", "b:22"])
        #expect(held?.key == first)
        #expect(try store.check(.ains, "bob.aint", key: first) == held.map { .matches($0) })
        #expect(try store.pinHosts([], of: .ains, "bob.aint", replacing: true).hosts == [])
        #expect(try store.rotate(.ains, "bob.aint", to: second, reason: "", source: "test").hosts == nil)
        #expect(throws: TrustError.self) { try store.pinHosts(["a\nb"], of: .ains, "bob.aint", replacing: true) }
        let many = (0...Pin.mostHosts).map { "h\($0):1" }
        #expect(throws: TrustError.self) { try store.pinHosts(many, of: .ains, "bob.aint", replacing: true) }
    }

    @Test("The first who pins wins, and the second learns of it")
    func admitted() throws {
        #expect(try store.admit(pin(first)) == .unknown)
        #expect(try store.admit(pin(first)) == .matches(pin(first)))
        #expect(try store.admit(pin(second)) == .changed(pinned: pin(first)))
    }

    @Test("Of many at once exactly one pins")
    func race() async throws {
        let store = store
        let keys = (1...24).map { Hex.encode([UInt8](repeating: UInt8($0), count: 32)) }
        let firsts = try await withThrowingTaskGroup(of: Bool.self) { group in
            for key in keys {
                group.addTask {
                    let pin = try Pin(kind: .ains, subject: "x", key: key, reason: "race", source: "test")
                    return try store.admit(pin) == .unknown
                }
            }
            var count = 0
            for try await isFirst in group where isFirst { count += 1 }
            return count
        }
        #expect(firsts == 1)
        #expect(try store.pins().count == 1)
    }

    @Test("No change is lost when many change at once")
    func concurrentChanges() async throws {
        let store = store
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<40 {
                group.addTask {
                    try store.add(
                        Pin(
                            kind: .signer, subject: "s\(number)", key: Hex.encode([UInt8](repeating: 9, count: 32)),
                            reason: "r", source: "t"))
                }
            }
            try await group.waitForAll()
        }
        #expect(try store.pins().count == 40)
        #expect(try scratch.names().contains("trust"))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: store.directory.string).sorted() == [
                "lock", "pins.json",
            ])
    }

    @Test("A rotated key is remembered with its times")
    func rotated() throws {
        try store.add(pin(first))
        let moment = Timestamp(seconds: 1_700_000_500)
        let new = try store.rotate(
            .ains, "bob.aint", to: second, reason: "new hardware", source: "telephone", at: moment)
        #expect(new.key == second)
        #expect(new.since == moment)
        #expect(
            new.previous == [
                Pin.Previous(
                    key: first, since: Timestamp(seconds: 1_700_000_000), until: moment, reason: "first seen")
            ])
        #expect(try store.check(.ains, "bob.aint", key: first) == .changed(pinned: new))
        #expect(try store.pins() == [new])
        // The same key again is no change.
        #expect(try store.rotate(.ains, "bob.aint", to: second, reason: "again", source: "x") == new)
        #expect(throws: TrustError.self) {
            try store.rotate(.ains, "alice.aint", to: second, reason: "r", source: "s")
        }
        #expect(throws: TrustError.self) { try store.rotate(.ains, "bob.aint", to: "no key", reason: "r", source: "s") }
        #expect(try store.pins() == [new])
    }

    @Test("What is removed is gone, and cannot be removed twice")
    func removed() throws {
        try store.add(pin(first))
        #expect(try store.remove(.ains, "bob.aint") == pin(first))
        #expect(try store.pins().isEmpty)
        let error = #expect(throws: TrustError.self) { try store.remove(.ains, "bob.aint") }
        #expect(error?.category == .noInput)
    }

    @Test("Nobody else can read the pins")
    func modes() throws {
        try store.add(pin(first))
        for (path, mode) in [(store.directory, 0o700), (store.directory.appending("pins.json"), 0o600)] {
            var info = stat()
            #expect(stat(path.string, &info) == 0)
            #expect(Int(info.st_mode & 0o7777) == mode, "\(path)")
        }
    }

    @Test(
        "A file that is not understood is refused rather than taken for empty",
        arguments: [
            "", "{", "[]", "{\"version\":2,\"pins\":[]}", "{\"version\":1}",
            "{\"version\":1,\"pins\":[{\"kind\":\"ains\",\"subject\":\"b\",\"key\":\"x\",\"since\":\"2026-01-01T00:00:00Z\",\"reason\":\"\",\"source\":\"\",\"previous\":[]}]}",
            "{\"version\":1,\"pins\":[{\"kind\":\"pgp\",\"subject\":\"b\",\"key\":\"x\",\"since\":\"2026-01-01T00:00:00Z\",\"reason\":\"\",\"source\":\"\",\"previous\":[]}]}",
        ])
    func damaged(text: String) throws {
        try store.add(pin(first))
        try scratch.write(text.utf8, to: "trust/pins.json")
        for attempt in 0..<2 {
            let error = #expect(throws: TrustError.self) {
                if attempt == 0 { _ = try store.pins() } else { try store.add(pin(second, "carol")) }
            }
            #expect(error?.category == .configuration)
        }
        #expect(try scratch.read("trust/pins.json") == Array(text.utf8))
    }

    @Test("What a writer left that died is removed by the next")
    func leftovers() throws {
        try store.add(pin(first))
        try scratch.write([1], to: "trust/\(StagingName.fresh())")
        try store.add(pin(second, "carol"))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: store.directory.string).sorted() == [
                "lock", "pins.json",
            ])
    }

    @Test("The keys of hosts are compared by type and blob, and shown as OpenSSH shows them")
    func hosts() throws {
        let pin = try pin(Self.hostKey + "  a comment", "host.example:22 ssh-ed25519", kind: .host)
        #expect(pin.key == Self.hostKey)
        #expect(pin.fingerprint.hasPrefix("SHA256:"))
        #expect(!pin.fingerprint.hasSuffix("="))
        try store.add(pin)
        #expect(try store.check(.host, pin.subject, key: Self.hostKey) == .matches(pin))
        for text in ["ssh-rsa " + Self.hostKey.dropFirst(12), "ssh-ed25519", "ssh-ed25519 !!!!", first] {
            #expect(throws: TrustError.self) { try self.pin(text, kind: .host) }
        }
    }

    @Test("Subjects and reasons stay on one line")
    func hostileText() throws {
        #expect(throws: TrustError.self) { try self.pin(first, "a\nb") }
        #expect(throws: TrustError.self) { try self.pin(first, "") }
        #expect(throws: TrustError.self) { try self.pin(first, String(repeating: "a", count: 513)) }
        let pin = try Pin(kind: .ains, subject: "a", key: first, reason: "x\u{1b}[2J\ny", source: "\0")
        #expect(pin.reason == "x\\u{1B}[2J\\ny")
        #expect(pin.source == "\\0")
    }
}
