import Foundation
import SystemPackage
import Testing

@testable import Fabric

@Suite("Faults of this machine")
struct LocalFaultTests {
    @Test(
        "What follows from a failed system call",
        arguments: [
            (Errno.tooManyOpenFiles, CarrierError.Remedy.retry(after: nil)),
            (.tooManyOpenFilesInSystem, .retry(after: nil)), (.ioError, .retry(after: nil)),
            (.noMemory, .retry(after: nil)), (.interrupted, .retry(after: nil)), (.noSpace, .retry(after: nil)),
            (.noSuchFileOrDirectory, .giveUp), (.permissionDenied, .waitForPerson), (.isDirectory, .waitForPerson),
        ])
    func actions(errno: Errno, action: CarrierError.Remedy) {
        let error = CarrierError(local: SystemFailure("cannot open 'a.tza'", errno), "cannot read the envelope")
        #expect(error.action == action)
        // A fault of this machine says nothing of the host.
        #expect(error.kind == .misconfigured)
        #expect(error.explanation.hasPrefix("cannot read the envelope: cannot open 'a.tza': "))
    }

    @Test("A locked file is made once where locks work")
    func locked() throws {
        let folder = try ScratchDirectory()
        let directory = try OwnedFile(path: folder.path, flags: O_RDONLY | O_DIRECTORY)
        let (name, file) = try OwnedFile.lockedStaging(in: directory)
        #expect(try folder.names() == [name])
        let other = try OwnedFile(name, in: directory, flags: O_RDWR)
        #expect(!other.lockIfFree())
        withExtendedLifetime(file) {}
    }
}
