import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Fabric

/// Every byte of an envelope is signed, or determined by what is signed: whichever is changed, it shows.
@Suite("Flipped bits", .serialized)
struct BitFlipTests {
    @Test("One flipped bit makes an envelope invalid", arguments: EnvelopeVectorTests.names)
    func everyByte(name: String) async throws {
        let scratch = try Scratch()
        let original = Array(try Data(contentsOf: VectorFiles.url(name)))
        let path = try scratch.write(name, original)
        let descriptor = open(path.string, O_WRONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let choices = noise(original.count, seed: 7)
        // Every byte of one, and of all others the header, the end, and every so many between.
        let step = name == "envelope-single.tza" ? 1 : max(1, original.count / 250)
        for offset in original.indices where offset < 16 || offset + 16 > original.count || offset % step == 0 {
            // Others want to get on too.
            await Task.yield()
            var byte = original[offset] ^ 1 << (choices[offset] & 7)
            try #require(pwrite(descriptor, &byte, 1, off_t(offset)) == 1)
            #expect(Self.isRefused(path), "byte \(offset) of \(name)")
            byte = original[offset]
            try #require(pwrite(descriptor, &byte, 1, off_t(offset)) == 1)
        }
        #expect(!Self.isRefused(path))
    }

    private static func isRefused(_ path: FilePath) -> Bool {
        do throws(EnvelopeError) {
            return try !EnvelopeFile(path: path).verifyBlocks().faults.isEmpty
        } catch {
            return true
        }
    }
}
