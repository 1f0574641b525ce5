extension Manifest {
    /// Reads a manifest from its stored bytes: steps 6 to 8 of `envelope.md`, section 10.2.
    ///
    /// - Parameter totalBlocks: What the file header says, the manifest counted as block 0.
    init(
        reading bytes: UnsafeRawBufferPointer, totalBlocks: UInt32, limits: EnvelopeLimits
    ) throws(EnvelopeFault) {
        let fields = try Self.map(in: bytes, mostValues: limits.manifestValues)
        try Self.checkVersions(fields)
        self.fields = fields
        transferID = try Self.required("tpid", in: fields, "a UUID in lower case", TransferID.init)
        senderName = try Self.required("sender_aint", in: fields, "text") { $0 }
        senderKey = try Self.required("sender_pubkey", in: fields, "64 lower-case hex digits", PublicKey.init(hex:))
        receiverName = try Self.required("receiver_aint", in: fields, "text") { $0 }
        receiverKey = try Self.required("receiver_pubkey", in: fields, "text") { $0 }
        payloadType = try Self.required("payload_type", in: fields, "text") { $0 }
        createdAt = try Self.required("created_at", in: fields, "YYYY-MM-DDTHH:MM:SSZ", Timestamp.init(iso8601:))
        signature = try Self.required("manifest_sig", in: fields, "128 lower-case hex digits", Signature.init(hex:))
        guard let token = fields["transfer_out_token_id"], token.isNull || token.text != nil else {
            throw EnvelopeFault(.manifestSchema, "'transfer_out_token_id' is missing, or neither text nor null")
        }
        surface = ManifestSurface(
            timeFragment: try Self.optional("surface_time_fragment", in: fields),
            context: try Self.optional("surface_context", in: fields),
            profile: try Self.optional("surface_profile", in: fields),
            priority: try Self.optional("surface_priority", in: fields))
        contentDigest = try Self.optionalDigest("content_digest", in: fields)
        causalParent = try Self.optionalDigest("causal_parent", in: fields)
        layout = try Self.layout(in: fields)
        blocks = try Self.entries(in: fields, totalBlocks: totalBlocks)
        try checkLayout()
    }

    private static func map(in bytes: UnsafeRawBufferPointer, mostValues: Int) throws(EnvelopeFault) -> CBORMap {
        let value: CBOR
        do {
            value = try CBORDecoder.decode(bytes, mostValues: mostValues)
        } catch {
            switch error {
            case .malformed(let why): throw EnvelopeFault(.manifestMalformed, why)
            case .notCanonical(let why): throw EnvelopeFault(.manifestNoncanonical, why)
            }
        }
        guard case .map(let map) = value else { throw EnvelopeFault(.manifestMalformed, "the manifest is not a map") }
        return map
    }

    private static func checkVersions(_ fields: CBORMap) throws(EnvelopeFault) {
        for key in ["tbz_format_version", "airdrop_format_version"] {
            guard let version = fields[key]?.unsigned else {
                throw EnvelopeFault(.manifestSchema, "'\(key)' is missing or not a number")
            }
            guard version == 1 else { throw EnvelopeFault(.unsupportedVersion, "'\(key)' is \(version)") }
        }
    }

    private static func required<Value>(
        _ key: String, in fields: CBORMap, _ form: String, _ parse: (String) -> Value?
    ) throws(EnvelopeFault) -> Value {
        guard let text = fields[key]?.text, let value = parse(text) else {
            throw EnvelopeFault(.manifestSchema, "'\(key)' is missing or not \(form)")
        }
        return value
    }

    private static func optional(_ key: String, in fields: CBORMap) throws(EnvelopeFault) -> String? {
        guard let value = fields[key], !value.isNull else { return nil }
        guard let text = value.text else { throw EnvelopeFault(.manifestSchema, "'\(key)' is not text") }
        return text
    }

    private static func optionalDigest(_ key: String, in fields: CBORMap) throws(EnvelopeFault) -> Digest? {
        guard let text = try optional(key, in: fields) else { return nil }
        guard text.hasPrefix("sha256:"), let digest = Digest(hex: String(text.dropFirst(7))) else {
            throw EnvelopeFault(.manifestSchema, "'\(key)' is not 'sha256:' and 64 lower-case hex digits")
        }
        return digest
    }

    private static func layout(in fields: CBORMap) throws(EnvelopeFault) -> Layout {
        guard let text = try optional("content_layout", in: fields) else { return .files }
        guard let layout = Layout(rawValue: text) else {
            throw EnvelopeFault(.manifestSchema, "'content_layout' is none of file, tar and files")
        }
        return layout
    }

    private static func entries(in fields: CBORMap, totalBlocks: UInt32) throws(EnvelopeFault) -> [BlockEntry] {
        guard let count = fields["block_count"]?.unsigned, case .array(let values)? = fields["blocks"] else {
            throw EnvelopeFault(.manifestSchema, "'block_count' or 'blocks' is missing or of the wrong type")
        }
        guard count == UInt64(totalBlocks), values.count + 1 == Int(totalBlocks) else {
            throw EnvelopeFault(
                .blockCount,
                "the header counts \(totalBlocks) blocks, 'block_count' \(count), and there are \(values.count) entries"
            )
        }
        var entries: [BlockEntry] = []
        entries.reserveCapacity(values.count)
        for (offset, value) in values.enumerated() {
            entries.append(try BlockEntry(reading: value, at: offset + 1))
        }
        return entries
    }

    /// A layout of one content admits one content only.
    private func checkLayout() throws(EnvelopeFault) {
        guard layout != .files, let first = blocks.first else { return }
        for block in blocks where !block.content.utf8.elementsEqual(first.content.utf8) {
            throw EnvelopeFault(
                .manifestSchema, block: Int(block.index), "a second content in the layout '\(layout.rawValue)'")
        }
    }
}
