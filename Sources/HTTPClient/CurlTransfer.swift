internal import CCurl
internal import Fabric
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// One request on its way through curl.
///
/// @unchecked: everything but `isCancelled` is touched by the curl thread only, from `prepare` on; curl's callbacks run
/// there too.
final class CurlTransfer: @unchecked Sendable {
    /// Set by whoever wants the transfer to end.
    let isCancelled = Atomic<Bool>(false)

    private let request: OutgoingRequest
    private let configuration: HTTPClientConfiguration
    /// Who waits; set once, before the curl thread gets the transfer.
    var continuation: CheckedContinuation<Result<Answer, RequestFailure>, Never>?

    private var handle: CurlHandle?
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

    private var position: Int64 = 0
    private var readFailure: RequestFailure?
    private var headers: [(name: String, value: String)] = []
    private var headerBytes = 0
    private var body: [UInt8] = []
    private var bodyOverflowed = false
    private var watch: StallWatch
    private var begun: ContinuousClock.Instant?
    private var sentSince: ContinuousClock.Instant?
    private var reported: Int64 = 0

    init(_ request: OutgoingRequest, _ configuration: HTTPClientConfiguration) {
        self.request = request
        self.configuration = configuration
        watch = StallWatch(window: configuration.stallTime, rate: configuration.minimumRate)
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit {
        if let handle { curl_easy_cleanup(handle.pointer) }
        curl_slist_free_all(headerList)
        errorText.deallocate()
    }

    /// Makes the easy handle. Returns nil after telling the caller, when curl refuses an option.
    func prepare() -> UnsafeMutableRawPointer? {
        begun = .now
        guard var handle = CurlHandle() else {
            complete(.failure(.curl(code: CURLE_OUT_OF_MEMORY.rawValue, detail: "")))
            return nil
        }
        setConnection(&handle)
        setRequest(&handle)
        setCallbacks(&handle)
        self.handle = handle
        guard handle.failure == CURLE_OK else {
            complete(.failure(.curl(code: handle.failure.rawValue, detail: "")))
            return nil
        }
        return handle.pointer
    }

    private func setConnection(_ handle: inout CurlHandle) {
        handle.set(CURLOPT_URL, request.url)
        handle.set(CURLOPT_PROTOCOLS_STR, "http,https")
        handle.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        handle.set(CURLOPT_NOSIGNAL, 1)
        // Otherwise a name look-up that hangs would hold up the end of the transfer.
        handle.set(CURLOPT_QUICK_EXIT, 1)
        handle.set(CURLOPT_CONNECTTIMEOUT_MS, configuration.connectTime.wholeMilliseconds)
        handle.set(CURLOPT_TCP_KEEPALIVE, 1)
        handle.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        handle.limitUnsentBytes()
        if let file = configuration.authorities {
            handle.set(CURLOPT_CAINFO, file.string)
            // The system's directory would be trusted beside the file.
            handle.set(CURLOPT_CAPATH, nil as String?)
        }
        if let file = configuration.clientCertificate {
            handle.set(CURLOPT_SSLCERT, file.string)
            handle.set(CURLOPT_SSLKEY, (configuration.clientKey ?? file).string)
        }
        handle.set(CURLOPT_ERRORBUFFER, pointer: errorText)
    }

    private func setRequest(_ handle: inout CurlHandle) {
        switch request.method {
        case .get: break
        case .head: handle.set(CURLOPT_NOBODY, 1)
        case .delete: handle.set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
        case .post, .patch:
            let count = request.body?.count ?? 0
            handle.set(CURLOPT_POST, 1)
            handle.set(CURLOPT_CUSTOMREQUEST, request.method.rawValue)
            handle.set(CURLOPT_POSTFIELDSIZE_LARGE, large: count)
            handle.set(CURLOPT_UPLOAD_BUFFERSIZE, max(Self.smallestBuffer, min(Self.largestBuffer, Int(count))))
        }
        // A peer's server never answers `Expect`, and curl would wait a second for it.
        var lines = ["Expect:", "User-Agent: " + configuration.userAgent]
        lines += request.headers.map { $0.name + ": " + $0.value }
        for line in lines { headerList = curl_slist_append(headerList, line) }
        handle.set(CURLOPT_HTTPHEADER, list: headerList)
    }

    private func setCallbacks(_ handle: inout CurlHandle) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        handle.set(CURLOPT_PRIVATE, pointer: context)
        handle.set(CURLOPT_READDATA, pointer: context)
        handle.set(CURLOPT_READFUNCTION) { bytes, size, count, context in
            CurlTransfer.from(context).read(bytes, size * count)
        }
        handle.set(CURLOPT_SEEKDATA, pointer: context)
        handle.set { context, offset, origin in
            CurlTransfer.from(context).seek(Int64(offset), origin)
        }
        handle.set(CURLOPT_HEADERDATA, pointer: context)
        handle.set(CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            CurlTransfer.from(context).takeHeader(bytes, size * count)
        }
        handle.set(CURLOPT_WRITEDATA, pointer: context)
        handle.set(CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            CurlTransfer.from(context).takeBody(bytes, size * count)
        }
    }

    /// curl's buffers for bodies, in bytes: as large as it allows, so that a read is worth its call.
    private static let largestBuffer = 2 << 20
    private static let smallestBuffer = 16 << 10

    /// The transfer behind a pointer that `setCallbacks` gave to curl. The curl thread holds the transfer for as long
    /// as curl has its handle.
    static func from(_ context: UnsafeMutableRawPointer?) -> CurlTransfer {
        guard let context else { preconditionFailure("curl lost the context of a transfer") }
        return Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
    }
}

// MARK: - What curl calls

extension CurlTransfer {
    private func read(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        guard let bytes, let body = request.body else { return 0 }
        let wanted = Int(min(Int64(count), body.count - position))
        guard wanted > 0 else { return 0 }
        do {
            let buffer = UnsafeMutableRawBufferPointer(start: bytes, count: wanted)
            let got = try body.source.read(into: buffer, at: body.start + position)
            guard got > 0 else {
                readFailure = .sourceEnded
                return Int(CURL_READFUNC_ABORT)
            }
            position += Int64(got)
            return got
        } catch {
            readFailure = .unreadable(error)
            return Int(CURL_READFUNC_ABORT)
        }
    }

    /// curl sends again what it lost on a kept connection that the far side had closed.
    private func seek(_ offset: Int64, _ origin: Int32) -> Int32 {
        guard origin == SEEK_SET, offset >= 0, offset <= request.body?.count ?? 0 else { return CURL_SEEKFUNC_FAIL }
        position = offset
        return CURL_SEEKFUNC_OK
    }

    private func takeHeader(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        let line = String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
        if line.hasPrefix("HTTP/") {
            // A status line begins another response: what an informational one said is over.
            headers = []
            headerBytes = 0
        }
        headerBytes += count
        guard headerBytes <= Answer.usualLimit else { return 0 }
        if let colon = line.firstIndex(of: ":") {
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            let trimmed = value.prefix { !$0.isNewline }
            headers.append((line[..<colon].lowercased(), String(trimmed)))
        }
        return count
    }

    private func takeBody(_ bytes: UnsafeMutablePointer<CChar>?, _ count: Int) -> Int {
        let room = request.largestAnswer - body.count
        body.append(contentsOf: UnsafeRawBufferPointer(start: bytes, count: min(count, room)))
        bodyOverflowed = count > room
        return bodyOverflowed ? 0 : count
    }
}

// MARK: - What the curl thread calls

extension CurlTransfer {
    /// Reports progress, and returns whether the far side has stalled, or the time is up.
    func isStalled(at now: ContinuousClock.Instant) -> Bool {
        if let limit = request.timeLimit, let begun, now - begun >= limit { return true }
        guard let handle, handle.largeInfo(CURLINFO_PRETRANSFER_TIME_T) > 0 else { return false }
        let total = request.body?.count ?? 0
        let delivered = min(total, handle.largeInfo(CURLINFO_SIZE_UPLOAD_T))
        if delivered > reported {
            reported = delivered
            request.progress(delivered)
        }
        if delivered < total { return watch.isStalled(at: now, moved: delivered) }
        guard let since = sentSince else {
            sentSince = now
            return false
        }
        return now - since >= request.answerTime
    }

    /// The transfer is over with curl's verdict.
    func finish(_ code: CURLcode) {
        let status = handle?.info(CURLINFO_RESPONSE_CODE) ?? 0
        // A server that refuses need not read the rest: its answer counts for more than the broken pipe after it.
        if code == CURLE_OK || (status >= 300 && !headers.isEmpty) || bodyOverflowed {
            complete(.success(Answer(status: status, headers: headers, body: body, isCut: bodyOverflowed)))
        } else if let readFailure {
            complete(.failure(readFailure))
        } else {
            complete(.failure(.curl(code: code.rawValue, detail: String(cString: errorText))))
        }
    }

    /// The transfer is over for a reason of ours.
    func fail(_ failure: RequestFailure) { complete(.failure(failure)) }

    private func complete(_ result: Result<Answer, RequestFailure>) {
        continuation?.resume(returning: result)
        continuation = nil
    }
}

extension Duration {
    /// The duration in milliseconds, at least 1.
    var wholeMilliseconds: Int {
        let (seconds, attoseconds) = components
        return max(1, Int(clamping: seconds) &* 1000 + Int(attoseconds / 1_000_000_000_000_000))
    }
}
