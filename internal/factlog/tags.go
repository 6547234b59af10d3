package factlog

// The tags of a request's fields. A number is never used again for something else.
const (
	tagID               = 1
	tagSeconds          = 2
	tagNanos            = 3
	tagPrincipalName    = 4
	tagPrincipalKind    = 5
	tagKeyID            = 6
	tagKeyTags          = 7
	tagGroup            = 8
	tagEndpoint         = 9
	tagEndpointID       = 10
	tagServedEntity     = 11
	tagServedEntityID   = 12
	tagProvider         = 13
	tagModel            = 14
	tagTask             = 15
	tagAPIType          = 16
	tagURL              = 17
	tagRequestedModel   = 18
	tagClientRequestID  = 19
	tagUsageContext     = 20
	tagStreaming        = 21
	tagUserAgent        = 22
	tagRemoteIP         = 23
	tagStatus           = 24
	tagOutcome          = 25
	tagErrorCode        = 26
	tagErrorMessage     = 27
	tagLatency          = 28
	tagTimeToFirstToken = 29
	tagUpstreamLatency  = 30
	tagAttempt          = 31
	tagUsageSource      = 32
	tagInput            = 33
	tagOutput           = 34
	tagTotal            = 35
	tagCachedInput      = 36
	tagCacheWrite       = 37
	tagReasoning        = 38
	tagInputChars       = 39
	tagOutputChars      = 40
	tagCostNanos        = 41
	tagPriceVersion     = 42
	tagGenerated        = 43
	tagPayloadTable     = 44
	tagSamplingFraction = 45
	tagPayloadErrorCode = 46
	tagAdmitSegment     = 47
	tagAdmitOffset      = 48
	tagRequest          = 49
	tagResponse         = 50
	tagCacheWrite1h     = 51
	tagInputAudio       = 52
	tagInputImage       = 53
	tagCachedAudio      = 54
	tagCachedImage      = 55
	tagOutputAudio      = 56
	tagOutputImage      = 57
	tagSearches         = 58
	tagToolPrompt       = 59
	tagServiceTier      = 60
	tagRawUsage         = 61
	tagUpstreamAPI      = 62
	tagListNanos        = 63
	tagInputVideo       = 64
	tagOutputVideo      = 65
	tagCacheUse         = 66 // 1 for a miss, 2 for a hit
	tagSavedNanos       = 67
	tagSavedInput       = 68
	tagSavedOutput      = 69
	tagExtraNanos       = 70
	tagPurpose          = 71
	tagParent           = 72
	tagPromptVersion    = 73
)

// The tags inside an attempt.
const (
	tagAttemptEntity   = 1
	tagAttemptProvider = 2
	tagAttemptModel    = 3
	tagAttemptStatus   = 4
	tagAttemptError    = 5
	tagAttemptLatency  = 6
	tagAttemptWhy      = 7
	tagAttemptAction   = 8
	tagAttemptSource   = 9
	tagAttemptInput    = 10
	tagAttemptOutput   = 11
	tagAttemptNanos    = 12
)

// The tags inside a map: a key, then its value.
const (
	tagMapKey   = 1
	tagMapValue = 2
)

// The tags of a served entity's change.
const (
	tagEntitySeconds       = 1
	tagEntityNanos         = 2
	tagEntityEndpointID    = 3
	tagEntityEndpointName  = 4
	tagEntityServedID      = 5
	tagEntityServedName    = 6
	tagEntityType          = 7
	tagEntityName          = 8
	tagEntityVersion       = 9
	tagEntityConfigVersion = 10
	tagEntityTask          = 11
	tagEntityProvider      = 12
	tagEntityCreatedBy     = 13
	tagEntityDeleteSeconds = 14
	tagEntityDeleteNanos   = 15
)

// The tags of a loss.
const (
	tagLossSeconds      = 1
	tagLossNanos        = 2
	tagLossSinceSeconds = 3
	tagLossSinceNanos   = 4
	tagLossTable        = 5
	tagLossRows         = 6
	tagLossAtLeast      = 7
	tagLossReason       = 8
	tagLossDetail       = 9
)

// The tags of a change of the control plane.
const (
	tagAuditSeconds   = 1
	tagAuditNanos     = 2
	tagAuditService   = 3
	tagAuditAction    = 4
	tagAuditRequestID = 5
	tagAuditActor     = 6
	tagAuditRemoteIP  = 7
	tagAuditUserAgent = 8
	tagAuditParams    = 9
	tagAuditStatus    = 10
	tagAuditError     = 11
)

// The tags of a comparison.
const (
	tagComparisonID             = 1
	tagComparisonRequestSeconds = 2
	tagComparisonRequestNanos   = 3
	tagComparisonSeconds        = 4
	tagComparisonNanos          = 5
	tagComparisonEndpoint       = 6
	tagComparisonEndpointID     = 7
	tagComparisonName           = 8
	tagComparisonRequester      = 9
	tagComparisonUsageContext   = 10
	tagComparisonOtherID        = 11
	tagComparisonJudgeID        = 12
	tagComparisonJudgeEndpoint  = 13
	tagComparisonAnswered       = 14
	tagComparisonFirstShown     = 15
	tagComparisonWinner         = 16
	tagComparisonReason         = 17
	tagComparisonError          = 18
	tagComparisonBaseline       = 19
	tagComparisonChallenger     = 20
	tagComparisonJudgeCost      = 21
	tagComparisonJudgeLatency   = 22
)

// The tags inside a side of a comparison.
const (
	tagComparedEntity     = 1
	tagComparedModel      = 2
	tagComparedLatency    = 3
	tagComparedFirstToken = 4
	tagComparedOutput     = 5
	tagComparedNanos      = 6
)
