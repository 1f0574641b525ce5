import Fabric
import Foundation
import Glibc
import ProgramRunner
import SSHServerRunner
import Testing

@testable import CarrierSCP

@Suite("What a watcher of the inbox sees", .serialized)
struct ArrivalTests {
    /// What happened to names in a directory since this was made.
    private final class Watcher {
        private let descriptor: Int32

        init(_ path: String, _ events: Int) throws {
            descriptor = inotify_init1(Int32(IN_NONBLOCK))
            guard inotify_add_watch(descriptor, path, UInt32(events)) >= 0 else {
                throw Unexpected(description: "cannot watch \(path)")
            }
        }

        deinit { close(descriptor) }

        /// The names in the order of the events.
        func names() -> [String] {
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            let count = read(descriptor, &buffer, buffer.count)
            var names: [String] = []
            var offset = 0
            // A header of 16 bytes, whose last four are the length of the name after it, with zeros.
            while offset + 16 <= count {
                let length = buffer[(offset + 12)..<(offset + 16)].reversed().reduce(0) { $0 << 8 | Int($1) }
                let name = buffer[(offset + 16)..<(offset + 16 + length)].prefix { $0 != 0 }
                names.append(String(decoding: name, as: UTF8.self))
                offset += 16 + length
            }
            return names
        }
    }

    @Test("Its name is closed after writing, or moved to, once the file is whole", arguments: SSHServer.Kind.allCases)
    func announced(kind: SSHServer.Kind) async throws {
        let server = try await SSHServer.start(kind)
        let watcher = try Watcher(server.folder.path("inbox"), Int(IN_CLOSE_WRITE) | Int(IN_MOVED_TO))
        let bytes = noise(2 << 20)
        _ = try await server.carrier.deliver(envelope(bytes), along: server.route())
        let names = watcher.names()
        // Before that, only names that watchers leave alone.
        #expect(names.last == demoName)
        #expect(names.filter { !$0.hasSuffix(".part") }.allSatisfy { $0 == demoName })
        #expect(server.content(demoName) == bytes)
    }

    @Test("The name never stands for less than the whole file", arguments: SSHServer.Kind.allCases)
    func neverPartial(kind: SSHServer.Kind) async throws {
        let server = try await SSHServer.start(kind)
        let creations = try Watcher(server.folder.path("inbox"), Int(IN_CREATE) | Int(IN_MOVED_TO))
        let writes = try Watcher(server.folder.path("inbox"), Int(IN_MODIFY))
        _ = try await server.carrier.deliver(envelope(noise(2 << 20)), along: server.route())
        #expect(creations.names().contains(demoName))
        #expect(!writes.names().contains(demoName))
    }
}
