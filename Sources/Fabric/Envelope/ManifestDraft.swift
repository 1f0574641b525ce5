/// A manifest that is being made.
struct ManifestDraft {
    private var fields: CBORMap
    private let key: SigningKey

    /// The digest over the blocks.
    let contentDigest: Digest
    /// The number of data blocks.
    let blockCount: Int

    /// The key whose value fills up the room that was kept for the manifest. Readers ignore it.
    static let paddingKey = "padding"

    init(options: SealOptions, key: SigningKey, blocks: [BlockEntry]) {
        self.key = key
        contentDigest = Manifest.contentDigest(of: blocks.map(\.digest))
        blockCount = blocks.count
        fields = Self.fields(options, publicKey: key.publicKey)
        fields["block_count"] = .unsigned(UInt64(blocks.count + 1))
        fields["blocks"] = .array(blocks.map { $0.encoded(withExtensions: options.writesExtensions) })
        if options.writesExtensions { fields["content_digest"] = .text(contentDigest.description) }
    }

    /// The keys that do not depend on the blocks (`envelope.md`, section 3; `cep.md`, section 6.2).
    private static func fields(_ options: SealOptions, publicKey: PublicKey) -> CBORMap {
        var map = CBORMap()
        map["tbz_format_version"] = .unsigned(1)
        map["airdrop_format_version"] = .unsigned(1)
        map["tpid"] = .text(options.transferID.text)
        map["sender_aint"] = .text(options.senderName)
        map["sender_pubkey"] = .text(publicKey.hex)
        map["receiver_aint"] = .text(options.receiverName)
        map["receiver_pubkey"] = .text(options.receiverKey)
        map["payload_type"] = .text(options.payloadType)
        map["created_at"] = .text(options.time.iso8601)
        map["transfer_out_token_id"] = .null
        map["surface_time_fragment"] = options.surface.timeFragment.map(CBOR.text)
        map["surface_context"] = options.surface.context.map(CBOR.text)
        map["surface_profile"] = options.surface.profile.map(CBOR.text)
        map["surface_priority"] = options.surface.priority.map(CBOR.text)
        guard options.writesExtensions else { return map }
        map["schema"] = .text("aint-send-v2")
        map["sealed_created_at"] = .text(options.time.iso8601Microseconds)
        map["causal_parent"] = options.causalParent.map { .text($0.description) } ?? .null
        map["content_layout"] = .text(options.contentLayout.rawValue)
        return map
    }

    /// Adds padding so that the signed manifest has `length` bytes, if that can be had.
    mutating func pad(to length: Int) {
        let missing = length - signed().count
        guard missing > 0 else { return }
        let room = missing - 1 - Self.paddingKey.utf8.count
        // The text's own head takes 1 to 5 bytes, so some lengths cannot be met; then nothing is added.
        for head in [1, 2, 3, 5] where room >= head {
            var padded = self
            padded.fields[Self.paddingKey] = .text(String(repeating: " ", count: room - head))
            if padded.signed().count == length {
                self = padded
                return
            }
        }
    }

    /// The stored form: canonical CBOR with the signature over everything else.
    func signed() -> [UInt8] {
        var signed = fields
        signed["manifest_sig"] = .text(key.sign(CBOREncoder.encode(fields)).hex)
        return CBOREncoder.encode(signed)
    }

    /// How many bytes the entry of a block of this content takes at the most.
    static func entryLength(for content: String, options: SealOptions) -> Int {
        // As long as they can be; what they hold does not matter here.
        let zero = [UInt8](repeating: 0, count: 64)
        let entry = BlockEntry(
            index: 65_535, name: content + ".zst.00000", size: .max, digest: Digest(checked: Array(zero[..<32])),
            signature: Signature(checked: zero), encoding: .zstd, decodedSize: UInt64(UInt32.max), decodedDigest: nil,
            contentName: content)
        return CBOREncoder.encode(entry.encoded(withExtensions: options.writesExtensions)).count
    }

    /// How many bytes to leave for header and manifest of an envelope with these contents; nil when there are more
    /// blocks than an envelope holds.
    static func estimate(for plan: [EnvelopeBuilder.Plan], options: SealOptions) -> Int64? {
        guard let key = PublicKey(bytes: [UInt8](repeating: 0, count: PublicKey.byteCount)) else { return nil }
        var length: Int64 = 0
        var blocks: Int64 = 0
        for content in plan {
            guard (0...EnvelopeLimits.contentBytes).contains(content.size) else { return nil }
            let parts = max(1, (content.size + Int64(options.blockSize) - 1) / Int64(options.blockSize))
            length += parts * Int64(entryLength(for: content.name, options: options))
            blocks += parts
        }
        guard blocks <= 65_535 else { return nil }
        let rest = CBOREncoder.encode(fields(options, publicKey: key)).count
        // block_count, blocks, content_digest, manifest_sig and the heads: under 400 bytes together.
        return 12 + length + Int64(rest) + 400
    }
}
