import CFuzzer
import Glibc
import SystemPackage

@testable import Fabric

/// Where attacks take place: a directory in which nothing may be touched but the target.
enum Arena {
    static let key = made { try SigningKey(seed: Array(0..<32)) }
    static let compressor = made { try ZstdCompressor(level: 1) }
    private static let file = tibet_memory_file("envelope")
    private static let directory: FilePath = {
        var template = Array("/dev/shm/fuzz-envelope-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { fatalError("no directory to work in") }
        return FilePath(String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self))
    }()
    private static let guardFile = directory.appending("guard")

    /// Makes the directory and the file that nothing may touch.
    static func setUp() {
        let descriptor = open(guardFile.string, O_CREAT | O_WRONLY, 0o600)
        precondition(descriptor >= 0 && file >= 0, "the arena cannot be set up")
        close(descriptor)
    }

    /// Takes `bytes` for an envelope, and checks that whatever it is, nothing is left behind or touched outside.
    static func verifyAndUnpack(_ bytes: [UInt8]) {
        ftruncate(file, 0)
        bytes.withUnsafeBytes { _ = pwrite(file, $0.baseAddress, $0.count, 0) }
        guard let envelope = try? EnvelopeFile(path: FilePath("/proc/self/fd/\(file)")) else { return }
        _ = try? envelope.verifyBlocks()
        var unpacker = Unpacker()
        unpacker.limits.unpackedBytes = 64 << 20
        let target = directory.appending("target")
        let report = try? unpacker.unpack(envelope, into: target)
        let names = made { try Directories.list(OwnedFile(path: directory, flags: O_RDONLY | O_DIRECTORY)) }
        precondition(
            Set(names) == (report == nil ? ["guard"] : ["guard", "target"]), "something else was made: \(names)")
        var status = stat()
        precondition(stat(guardFile.string, &status) == 0 && status.st_size == 0, "the guard was touched")
        if report != nil, let parent = try? OwnedFile(path: directory, flags: O_RDONLY | O_DIRECTORY) {
            SafeTree.remove("target", in: parent)
        }
    }

    private static func made<Value>(_ make: () throws -> Value) -> Value {
        guard let value = try? make() else { fatalError("the arena cannot be set up") }
        return value
    }
}

func setUp() { Arena.setUp() }
