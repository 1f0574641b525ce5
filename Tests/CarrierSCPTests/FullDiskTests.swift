import Fabric
import Foundation
import Glibc
import ProgramRunner
import SSHServerRunner
import Testing

@testable import CarrierSCP

/// A file system of two megabytes, which only root can make; without root these tests fail.
private final class SmallDisk {
    let path: String

    init(_ path: String) throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        guard mount("tmpfs", path, "tmpfs", 0, "size=2m") == 0 else {
            throw Unexpected(description: "cannot mount a small file system, which takes root: errno \(errno)")
        }
    }

    deinit { umount2(path, Int32(MNT_DETACH)) }
}

@Suite("A far side without room", .serialized)
struct FullDiskTests {
    private func room(_ server: SSHServer) throws -> (SmallDisk, Route) {
        let disk = try SmallDisk(server.folder.path("small"))
        return (disk, server.route(to: disk.path))
    }

    @Test("Known beforehand: nothing is sent", arguments: SSHServer.Kind.allCases)
    func beforehand(kind: SSHServer.Kind) async throws {
        let server = try await SSHServer.start(kind)
        let (disk, route) = try room(server)
        let error = await server.carrier.failure(envelope(noise(4 << 20)), along: route)
        #expect(error?.kind == .full && error?.isRetryable == true, "\(String(describing: error))")
        #expect(try server.folder.names("small").isEmpty)
        withExtendedLifetime(disk) {}
    }

    @Test("It fills up in the middle: the partial is removed, and later it works", arguments: SSHServer.Kind.allCases)
    func inTheMiddle(kind: SSHServer.Kind) async throws {
        let server = try await SSHServer.start(kind)
        let (disk, route) = try room(server)
        // Small enough that nobody asks beforehand.
        let bytes = noise((1 << 20) - 1)
        try server.folder.write("small/other", noise(3 << 19))
        let error = await server.carrier.failure(envelope(bytes), along: route)
        #expect(error?.kind == .full && error?.isRetryable == true, "\(String(describing: error))")
        #expect(try server.folder.names("small") == ["other"])
        try FileManager.default.removeItem(at: server.folder("small/other"))
        let receipt = try await server.carrier.deliver(envelope(bytes), along: route)
        #expect(receipt.strength == .stored)
        #expect(try server.folder.names("small") == [demoName])
        withExtendedLifetime(disk) {}
    }
}
