import Foundation
import SystemPackage
import Testing

@testable import Fabric

/// Envelopes whose signatures hold and whose contents mean harm: each is refused for the right reason, and leaves
/// nothing behind.
@Suite("Hostile envelopes", .serialized)
struct HostileEnvelopeTests {
    let scratch: Scratch
    let key: SigningKey

    init() throws {
        scratch = try Scratch()
        key = try VectorFiles.key()
        try scratch.write("outside/untouched", [1])
    }

    /// Unpacks and says what was wrong; checks that nothing is left, and nothing outside was touched.
    private func refusal(
        of envelope: CraftedEnvelope, limits: EnvelopeLimits = .init(), location: SourceLocation = #_sourceLocation
    ) throws -> EnvelopeError? {
        let path = try scratch.write("e.tza", envelope.bytes(signedBy: key))
        var unpacker = Unpacker()
        unpacker.limits = limits
        var refusal: EnvelopeError?
        do throws(EnvelopeError) {
            _ = try unpacker.unpack(try EnvelopeFile(path: path), into: scratch.path("out"))
        } catch {
            refusal = error
        }
        #expect(refusal != nil, "it was unpacked", sourceLocation: location)
        #expect(try scratch.names() == ["e.tza", "outside"], sourceLocation: location)
        #expect(try scratch.names("outside") == ["untouched"], sourceLocation: location)
        #expect(try scratch.read("outside/untouched") == [1], sourceLocation: location)
        return refusal
    }

    private func code(_ error: EnvelopeError?) -> EnvelopeFault.Code? {
        if case .fault(let fault)? = error { fault.code } else { nil }
    }

    // MARK: - Compression

    /// Below and above the size from which blocks are streamed.
    static let lengths = [100_000, 9 << 20]

    @Test("An honest one unpacks, so the refusals below have their own reasons", arguments: lengths)
    func honest(length: Int) throws {
        let path = try scratch.write("e.tza", try CraftedEnvelope(compressed: prose(length)).bytes(signedBy: key))
        _ = try Unpacker().unpack(EnvelopeFile(path: path), into: scratch.path("out"))
        #expect(try scratch.read("out/content") == prose(length))
    }

    @Test("A frame that holds more than was signed is stopped there", arguments: lengths)
    func bomb(length: Int) throws {
        var envelope = try CraftedEnvelope(compressed: [UInt8](repeating: 0, count: 64 << 20))
        envelope.blocks[0].decodedSize = UInt64(length)
        #expect(code(try refusal(of: envelope)) == .decodedContent)
    }

    @Test("A frame that holds less than was signed")
    func smallerThanSigned() throws {
        var envelope = try CraftedEnvelope(compressed: prose(100_000))
        envelope.blocks[0].decodedSize = 100_001
        #expect(code(try refusal(of: envelope)) == .decodedContent)
    }

    @Test(
        "A frame that claims more than the disk holds is not even begun", arguments: [UInt64(1) << 60, 1 << 63, .max])
    func hugeDecodedSize(size: UInt64) throws {
        var envelope = try CraftedEnvelope(compressed: prose(100_000))
        envelope.blocks[0].decodedSize = size
        guard case .system(let failure) = try refusal(of: envelope) else {
            Issue.record("not refused for want of room")
            return
        }
        #expect(failure.errno == .noSpace)
    }

    @Test("Sizes that overflow together, and sizes above the reader's limit")
    func sums() throws {
        var envelope = CraftedEnvelope(named: ["a", "b"])
        for index in envelope.blocks.indices {
            envelope.blocks[index].encoding = .zstd
            envelope.blocks[index].decodedSize = .max
            envelope.blocks[index].decodedDigest = Digest(of: [])
        }
        #expect(try refusal(of: envelope)?.isOverLimit == true)
        var limits = EnvelopeLimits()
        limits.unpackedBytes = 99_999
        let large = try CraftedEnvelope(compressed: prose(100_000))
        #expect(try refusal(of: large, limits: limits)?.isOverLimit == true)
    }

    @Test("Two frames in one block, joined or with junk between", arguments: lengths)
    func twoFrames(length: Int) throws {
        var envelope = try CraftedEnvelope(compressed: prose(length))
        let frame = envelope.blocks[0].stored
        for second in [frame, [0], try CraftedEnvelope.frame([])] {
            envelope.blocks[0].stored = frame + second
            envelope.blocks[0].decodedSize = UInt64(length)
            #expect(code(try refusal(of: envelope)) == .decodedContent)
        }
    }

    @Test("A frame cut short, and what is no frame", arguments: lengths)
    func brokenFrames(length: Int) throws {
        var envelope = try CraftedEnvelope(compressed: prose(length))
        let frame = envelope.blocks[0].stored
        for stored in [Array(frame.dropLast()), Array(frame.prefix(3)), noise(200), []] {
            envelope.blocks[0].stored = stored
            #expect(code(try refusal(of: envelope)) == .decodedContent)
        }
    }

    @Test("Content that decodes to other bytes than were signed", arguments: lengths)
    func wrongDecodedDigest(length: Int) throws {
        var envelope = try CraftedEnvelope(compressed: prose(length))
        envelope.blocks[0].decodedDigest = Digest(of: [1])
        #expect(code(try refusal(of: envelope)) == .decodedContent)
    }

    @Test("A stored block whose entry tells of another content")
    func storedAndYetDifferent() throws {
        for digest in [nil, Digest(of: [1])] {
            var envelope = CraftedEnvelope(named: ["a"])
            envelope.blocks[0].decodedSize = digest == nil ? 2 : 1
            envelope.blocks[0].decodedDigest = digest
            #expect(code(try refusal(of: envelope)) == .manifestSchema)
        }
    }

    // MARK: - Names and layouts

    static let names: [[String]] = [
        [""], [String(repeating: "a/", count: 512) + "a"], [String(repeating: "a", count: 256)], ["."], [".."],
        ["../a"], ["a/.."], ["a/../b"], ["a/./b"], ["./a"], ["/a"], ["/"], ["a/"], ["a//b"], ["a\u{0}b"], ["a\u{1f}"],
        ["a\nb"], ["\u{1b}[2J"], ["a\u{7f}"], ["a\\b"], ["..\\a"], ["a", "a"], ["a", "a/b"], ["a/b/c", "a/b"],
        ["ok", "../../outside/untouched"],
    ]

    @Test("Every rule for block names", arguments: names)
    func blockNames(names: [String]) throws {
        #expect(try refusal(of: CraftedEnvelope(named: names))?.isUnsafeName == true)
    }

    @Test("The same rules for the names of contents", arguments: names)
    func contentNames(names: [String]) throws {
        var envelope = CraftedEnvelope(named: names.indices.map { "part\($0)" })
        // Parts that stand together are one content, which may be called the same.
        if names == ["a", "a"] { envelope.blocks.insert(.init(name: "between", stored: [7]), at: 1) }
        for (name, part) in zip(names, names.indices) {
            let index = envelope.blocks.firstIndex { $0.name == "part\(part)" }
            envelope.blocks[try #require(index)].contentName = name
        }
        #expect(try refusal(of: envelope)?.isUnsafeName == true)
    }

    @Test("A second content where the layout has one", arguments: [Manifest.Layout.tar, .file])
    func secondContent(layout: Manifest.Layout) throws {
        var envelope = CraftedEnvelope(named: ["a", "b"])
        envelope.layout = layout
        #expect(code(try refusal(of: envelope)) == .manifestSchema)
    }

    @Test("A layout of tar whose content is none")
    func noTar() throws {
        for stored in [noise(2000), Array("hello".utf8), [UInt8](repeating: 0xff, count: 512)] {
            let envelope = CraftedEnvelope(layout: .tar, [.init(name: "tree.tar", stored: stored)])
            #expect(try refusal(of: envelope)?.isBadArchive == true)
        }
    }

    // MARK: - Manifests

    @Test("A manifest of 16 MiB of nonsense is refused in bounded time", arguments: Nonsense.allCases)
    func nonsense(kind: Nonsense) throws {
        let manifest = kind.manifest(16 << 20)
        #expect(manifest.count == 16 << 20)
        let bytes =
            [0x54, 0x42, 0x5a, 0x01] + CraftedEnvelope.length(2) + CraftedEnvelope.length(manifest.count) + manifest
        let path = try scratch.write("e.tza", bytes)
        let start = ContinuousClock.now
        #expect(throws: EnvelopeError.self) { try EnvelopeFile(path: path) }
        #expect(ContinuousClock.now - start < .seconds(30))
    }
}
