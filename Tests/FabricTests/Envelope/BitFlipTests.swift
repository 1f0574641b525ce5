import Foundation
import Glibc
import SystemPackage
import Testing

@testable import Fabric

/// Every byte of an envelope is signed, or determined by what is signed: whichever is changed, it shows.
@Suite("Flipped bits")
struct BitFlipTests {
    @Test("One flipped bit makes an envelope invalid", arguments: EnvelopeVectorTests.names)
    func everyByte(name: String) throws {
        let scratch = try Scratch()
        let original = Array(try Data(contentsOf: VectorFiles.url(name)))
        let path = try scratch.write(name, original)
        let descriptor = open(path.string, O_WRONLY | O_CLOEXEC)
        try #require(descriptor >= 0)
        defer { close(descriptor) }
        let choices = noise(original.count, seed: 7)
        // Every byte of the header and its surroundings; of longer files every so many.
        let step = max(1, original.count / 1500)
        for offset in 0..<original.count where offset < 1024 || offset % step == 0 {
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
